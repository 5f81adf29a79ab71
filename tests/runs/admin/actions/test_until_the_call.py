"""From the click in the console to the call of the tool: exactly what was approved, by people who may, or nothing."""

import json
from dataclasses import replace

import pytest

from runs.declarations.catalog import job_type_named
from runs.engine import provider
from runs.models import Membership, PendingAction, Run
from runs.operations.revoke_tool import revoke_tool
from tests.runs.admin.actions.pages import verb_of
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS, pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(offline, post, work):
    """An open approval of a payment that an agent has really proposed."""
    provider.close_client()
    offline({"turns": [use(("pay", {"to": "bob", "amount_usd": 100.0})), say("Done. {{tool:pay}}")]})
    run = post("cashier")
    work()
    return PendingAction.objects.get(run=run)


def approve(client, action, **arguments):
    typed = {"arguments": json.dumps(action.arguments | arguments), "note": "seen"}
    return client.post(verb_of(action, "approve"), typed)


def end_of(action, work):
    work()
    return Run.objects.get(pk=action.run_id)


def test_edited_arguments_arrive_at_the_tool_exactly(operator_client, payment, work):
    approve(operator_client, payment, amount_usd=7.25, to="eve")

    assert end_of(payment, work).output == "Done. paid 7.25 to eve" and CALLS["pay"] == 1


def test_a_tampered_row_is_not_called(operator_client, payment, work):
    approve(operator_client, payment)
    run = Run.objects.get(pk=payment.run_id)
    run.steps.filter(seq=2).update(arguments={"to": "eve", "amount_usd": 100.0})

    assert end_of(payment, work).status == "waiting_for_confirmation" and not CALLS["pay"]


def test_whoever_lost_the_role_after_the_click_has_approved_nothing(operator_client, operator, payment, work):
    approve(operator_client, payment)
    Membership.objects.filter(user=operator).update(role="viewer")

    run = end_of(payment, work)

    assert run.steps.get(seq=2).error["type"] == "permission_denied" and not CALLS["pay"]


def test_a_tool_that_was_revoked_after_the_click_is_not_called(operator_client, payment, work, root):
    approve(operator_client, payment)
    revoke_tool("pay", tenant=None, reason="audit", user=root)

    run = end_of(payment, work)

    assert run.status == "completed" and run.steps.get(seq=2).status == "failed" and not CALLS["pay"]


def test_a_schema_that_was_changed_after_the_click_asks_again(operator_client, payment, work):
    approve(operator_client, payment)
    cashier = job_type_named("cashier")
    cashier.__dict__["tools_by_name"] = {"pay": replace(pay, input_schema={**pay.input_schema, "title": "Pay anew"})}
    try:
        run = end_of(payment, work)
    finally:
        del cashier.__dict__["tools_by_name"]

    assert run.status == "waiting_for_confirmation" and not CALLS["pay"]
    assert "declaration of its tool" in PendingAction.objects.get(run=run, status="open").reason
