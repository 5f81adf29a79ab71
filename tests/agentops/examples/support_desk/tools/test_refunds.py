"""Refunds: never more than the invoice."""

from decimal import Decimal

import pytest

from agentops.examples.support_desk.models import Invoice, Refund
from agentops.examples.support_desk.tools import issue_refund
from runs.registry import ToolError


def test_a_refund_is_written_and_marked_on_the_invoice(desk, context):
    said = issue_refund(context, invoice="1007", amount_usd=480.0, reason="charged twice")

    refund = Refund.objects.get()
    assert (refund.amount_usd, refund.reason, refund.effect_key) == (Decimal("480.00"), "charged twice", "run-1")
    assert Invoice.objects.get(number=1007).refunded_usd == Decimal("480.00")
    assert said == "480.00 USD of invoice 1007 were refunded to Northwind Traders."


def test_parts_may_be_refunded_until_nothing_is_left(desk, context):
    for amount in (100.1, 379.9):
        issue_refund(context, invoice="1007", amount_usd=amount, reason="a part")

    with pytest.raises(ToolError, match=r"has 0\.00 USD left"):
        issue_refund(context, invoice="1007", amount_usd=0.01, reason="one cent more")


@pytest.mark.parametrize("amount", [480.01, 1e9])
def test_more_than_the_invoice_is_refused(desk, context, amount):
    with pytest.raises(ToolError, match=r"480\.00 USD left"):
        issue_refund(context, invoice="1007", amount_usd=amount, reason="too much")

    assert not Refund.objects.exists()


@pytest.mark.parametrize("amount", [0.0, -5.0, 0.001, float("nan"), float("inf"), 1e40])
def test_an_amount_that_is_none_is_refused(desk, context, amount):
    with pytest.raises(ToolError):
        issue_refund(context, invoice="1007", amount_usd=amount, reason="odd")

    assert not Refund.objects.exists()


def test_an_unpaid_invoice_has_nothing_to_refund(desk, context):
    with pytest.raises(ToolError, match="never paid"):
        issue_refund(context, invoice="1011", amount_usd=480.0, reason="odd")


def test_a_reason_longer_than_its_column_is_refused(desk, context):
    with pytest.raises(ToolError, match="501 characters"):
        issue_refund(context, invoice="1007", amount_usd=480.0, reason="x" * 501)


def test_every_refund_needs_a_person(context):
    assert issue_refund.effect == "unsafe"
    assert issue_refund.needs_approval(context, {})
