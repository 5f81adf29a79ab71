"""Seeding: the same rows, however often."""

from decimal import Decimal

import pytest
from django.core.management import call_command

from agentops.examples.support_desk.models import Account, CrmNote, Invoice, OutboxMail, Refund, Ticket
from agentops.examples.support_desk.seed import forget_effects, seed
from agentops.examples.support_desk.tools import issue_refund, save_crm_note, update_crm

MODELS = (Account, Invoice, Ticket, CrmNote, Refund, OutboxMail)


def test_seeding_twice_adds_nothing(desk):
    before = [model.objects.count() for model in MODELS]

    seed()

    assert before == [6, 15, 12, 3, 0, 0]
    assert [model.objects.count() for model in MODELS] == before


def test_the_rows_that_examples_name_are_there(desk):
    assert Account.objects.get(number=184).name == "Northwind Traders"
    assert Invoice.objects.get(number=1007, account__number=184).amount_usd == Decimal("480.00")
    assert Invoice.objects.get(number=1012, account__number=207).amount_usd == Decimal("129.00")


def test_seeding_again_keeps_what_tools_changed(desk, context):
    issue_refund(context, invoice="1007", amount_usd=480.0, reason="charged twice")

    seed()

    assert Invoice.objects.get(number=1007).refunded_usd == Decimal("480.00")


def test_effects_can_be_forgotten(desk, context):
    issue_refund(context, invoice="1007", amount_usd=480.0, reason="charged twice")
    save_crm_note(context, account="184", kind="call", text="All settled.")
    context.effect_key = "run-2"
    update_crm(context, account="184", renewal_stage="lost")

    forget_effects()

    assert [model.objects.count() for model in MODELS] == [6, 15, 12, 3, 0, 0]
    assert Invoice.objects.get(number=1007).refunded_usd == 0
    assert Account.objects.get(number=184).renewal_stage == "open"


@pytest.mark.django_db
def test_the_command_says_what_is_there(capsys):
    call_command("seed_support_desk", "--reset")

    assert capsys.readouterr().out == "support desk: 6 accounts, 15 invoices, 12 tickets\n"
