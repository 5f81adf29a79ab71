"""A call whose result was lost, and that a person says did not happen: its approval is checked once more."""

import pytest

from runs import clock
from runs.invariants.every import breaches
from runs.models import ApprovalPolicy, Membership, PendingAction, Role, Step
from runs.operations.actions.approve import approve
from runs.operations.actions.resolve import resolve
from tests.testapp.agents import CALLS, FAIL

pytestmark = pytest.mark.django_db


@pytest.fixture
def to_repeat(proposed, person, work):
    """Let anna approve a call whose result is lost; return her, it, and how ben says that it is to be repeated."""
    action, anna = proposed(), person("anna")
    FAIL["pay"] = [ConnectionError("reset by peer")]
    approve(action, user=anna)
    work()
    outcome = PendingAction.objects.get(run=action.run_id, status="open")
    assert (outcome.kind, CALLS["pay"]) == ("outcome", 1)

    def repeat() -> None:
        clock.advance(3600)  # the first call cannot arrive any more
        resolve(outcome, user=person("ben"), outcome="did_not_happen")

    return anna, action, repeat


def test_a_call_that_did_not_happen_is_made_again_under_the_same_approval(to_repeat, end_of):
    _, action, repeat = to_repeat
    repeat()

    run = end_of(action)

    assert (run.status, CALLS["pay"], run.actions.filter(kind="approval").count()) == ("completed", 2, 1)
    assert list(breaches()) == []


@pytest.mark.fault(35)
def test_a_decider_who_has_lost_the_right_since_stops_the_repetition_too(to_repeat, end_of):
    anna, action, repeat = to_repeat
    Membership.objects.filter(user=anna).update(role=Role.VIEWER)
    repeat()

    run = end_of(action)

    assert run.status == "completed" and CALLS["pay"] == 1
    assert "0 of 1 people" in run.steps.get(seq=2).result["text"]


@pytest.mark.fault(36)
def test_arguments_that_were_tampered_with_before_a_repetition_are_not_used(to_repeat, end_of):
    _, action, repeat = to_repeat
    Step.objects.filter(pk=action.step_id).update(arguments={"to": "eve", "amount_usd": 9999.0})
    repeat()

    run = end_of(action)

    again = PendingAction.objects.get(run=run, status="open")
    assert CALLS["pay"] == 1 and again.kind == "approval" and "not the one that was approved" in again.reason


def test_a_repetition_whose_approval_is_too_old_is_asked_about_again(to_repeat, end_of):
    _, action, repeat = to_repeat
    ApprovalPolicy.objects.create(tool="pay", expires_s=1800)
    repeat()

    run = end_of(action)

    assert CALLS["pay"] == 1 and "too long ago" in PendingAction.objects.get(run=run, status="open").reason
