"""Tools that only look."""

import pytest

from agentops.examples.support_desk.tools import (
    account_profile,
    fetch_invoices,
    find_invoice,
    last_tickets,
    search_notes,
)
from runs.registry import ToolError


@pytest.mark.parametrize("written", ["184", "#184", "account 184"])
def test_an_account_is_found_as_people_write_it(desk, context, written):
    assert account_profile(context, account=written)["name"] == "Northwind Traders"


def test_an_unknown_account_is_told_to_the_model(desk, context):
    with pytest.raises(ToolError, match="There is no account 999"):
        account_profile(context, account="999")


@pytest.mark.parametrize("written", ["", "Northwind", "184 or 207", "1" * 30])
def test_a_text_that_names_no_single_account_is_refused(desk, context, written):
    with pytest.raises(ToolError, match="does not name one account"):
        account_profile(context, account=written)


def test_invoices_add_up(desk, context):
    found = fetch_invoices(context, account="184")

    assert (found["count"], found["total_usd"], found["unpaid_usd"]) == (3, 1440.0, 480.0)
    assert [invoice["number"] for invoice in found["invoices"]] == [1001, 1007, 1011]


def test_only_unpaid_invoices_on_request(desk, context):
    found = fetch_invoices(context, account="184", unpaid_only=True)

    assert [invoice["number"] for invoice in found["invoices"]] == [1011]


def test_one_invoice_names_its_account(desk, context):
    found = find_invoice(context, invoice="1012")

    assert (found["account"], found["amount_usd"], found["paid"]) == (207, 129.0, True)


def test_the_latest_tickets_come_first(desk, context):
    found = last_tickets(context, account="184", limit=2)

    assert [ticket["subject"] for ticket in found["tickets"]] == [
        "Charged twice in September",
        "Export stops at 10,000 rows",
    ]


@pytest.mark.parametrize("limit", [0, -1, 21])
def test_a_limit_out_of_range_is_refused(desk, context, limit):
    with pytest.raises(ToolError, match="give 1 to 20"):
        last_tickets(context, account="184", limit=limit)


def test_notes_are_searched_without_regard_to_case(desk, context):
    assert search_notes(context, account="184", text="DISCOUNT")["count"] == 1
    assert search_notes(context, account="184", text="no such words")["count"] == 0
