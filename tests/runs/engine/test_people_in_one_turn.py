"""Stories of turns that need people for several calls at once, and of crashes between their decisions."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from runs.engine.outcomes import Completed, Waiting
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import Run
from runs.operations.actions.answer import send_message
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

ASK = ("ask_human", {"question": "Which?"})
ONE, TWO = (("refund", {"order_id": order, "amount_usd": 3.5}) for order in "12")


def answers_in(request):
    """What the model is told of the calls of its last turn, in their order."""
    return [block["content"] for block in request["body"]["messages"][-1]["content"]]


def open_actions(run):
    return list(run.actions.filter(status="open").select_related("step", "run").order_by("step__seq"))


def rescue():
    Run.objects.filter(status="running").update(lease_expires_at=Now() - timedelta(seconds=1))
    assert rescue_runs() == 1


def test_a_question_does_not_hold_up_the_other_calls_which_are_not_made_again(offline, post, work, user):
    turn = use(("put", {"value": 1}), ASK, ("send", {"to": "bob"}))
    model = offline({"turns": [turn, say("Done.")]})
    run = post("clerk")

    assert work() == [Waiting()]
    assert trace(run)[1:] == [
        ("tool_call", "put", "completed"),
        ("tool_call", "ask_human", "planned"),
        ("tool_call", "send", "completed"),
    ]
    send_message(run, user=user, text="The second.")
    work()

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["put"] == CALLS["send"] == 1
    assert answers_in(model.requests[1]) == ["put 1", "The second.", "sent to bob"]


@pytest.mark.parametrize("first", ["message", "approval"])
def test_a_question_and_an_approval_of_one_turn_are_decided_in_any_order(offline, post, work, user, first):
    model = offline({"turns": [use(ONE, ASK), say("Done.")]})
    run = post("clerk")
    work()
    approval, _ = open_actions(run)
    decisions = [lambda: send_message(run, user=user, text="Mine."), lambda: approve(approval, user=user)]

    for decide in decisions if first == "message" else reversed(decisions):
        assert len(model.requests) == 1, "the model waits for both"
        decide()
        work()

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["refund"] == 1
    assert answers_in(model.requests[1]) == ['{"refunded":3.5,"order":"1"}', "Mine."]


@pytest.mark.fault(30)
def test_several_approvals_of_one_turn_wait_for_each_other_and_the_model_is_asked_once(offline, post, work, user):
    model = offline({"turns": [use(ONE, TWO), say("Done.")]})
    run = post("clerk")
    work()
    one, two = open_actions(run)

    approve(two, user=user)
    assert work() == [Waiting()]
    assert CALLS["refund"] == 1 and len(model.requests) == 1, "what was approved is done, the turn still waits"
    reject(one, user=user, note="Too late.")
    assert work() == [Completed("Done.")]

    told = answers_in(model.requests[1])
    assert CALLS["refund"] == 1 and len(model.requests) == 2
    assert "Too late." in told[0] and told[1] == '{"refunded":3.5,"order":"2"}'


def test_both_approvals_before_the_next_claim_are_one_claim(offline, post, work, user):
    offline({"turns": [use(ONE, TWO), say("Done.")]})
    run = post("clerk")
    work()

    for action in open_actions(run):
        approve(action, user=user)

    assert work() == [Completed("Done.")]
    assert CALLS["refund"] == 2


@pytest.mark.parametrize("point", ["claim.after", "tool.after", "journal.after", "settle.before"])
def test_a_crash_between_two_approvals_repeats_nothing_and_leaves_the_other_open(
    offline, post, work, user, die_at, point
):
    model = offline({"turns": [use(ONE, TWO), say("Done.")]})
    run = post("clerk")
    work()
    one, two = open_actions(run)
    approve(one, user=user)

    die_at(point)
    rescue()
    assert work() == [Waiting()]

    assert two in open_actions(run) and CALLS["refund"] <= 1
    approve(two, user=user)
    work()
    for action in open_actions(run):  # an unsafe call whose result was lost is asked about
        _tell_what_happened(action, user)
    work()
    run.refresh_from_db()
    assert run.status == "completed" and CALLS["refund"] == 2 and len(model.requests) == 2
    assert not list(breaches())


def _tell_what_happened(action, user):
    action.step.deadline_at = None
    action.step.save(update_fields=["deadline_at"])
    if CALLS["refund"] == 2:
        resolve(action, user=user, outcome="happened", result="seen")
    else:
        resolve(action, user=user, outcome="did_not_happen")
