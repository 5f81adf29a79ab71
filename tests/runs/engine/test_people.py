"""Stories of agents that wait for people: approvals, questions, unknown outcomes, budgets."""

import pytest

from runs.engine.outcomes import Waiting
from runs.models import PendingAction, Run
from runs.operations.actions.answer import send_message
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS, FAIL

pytestmark = pytest.mark.django_db


@pytest.mark.fault(29)
def test_an_unsafe_call_whose_connection_broke_is_unknown_and_a_person_decides(offline, post, work, user):
    FAIL["send"] = [ConnectionError("reset by peer")]
    model = offline({"turns": [use(("send", {"to": "bob"})), say("Sent.")]})
    run = post("clerk")

    assert work() == [Waiting()]

    action = PendingAction.objects.get(run=run)
    assert action.kind == "outcome" and action.effect_key == run.steps.get(seq=2).effect_key
    assert run.steps.get(seq=2).status == "unknown"
    resolve(action, user=user, outcome="happened", result="sent, says the mail log")
    work()
    run.refresh_from_db()
    assert run.status == "completed" and CALLS["send"] == 1
    assert model.requests[1]["body"]["messages"][-1]["content"][0]["content"] == "sent, says the mail log"


@pytest.mark.fault(30)
def test_a_call_that_awaits_approval_does_not_hold_up_the_others(offline, post, work, user):
    turn = use(("refund", {"order_id": "7", "amount_usd": 3.5}), ("look_up", {"key": "a"}))
    model = offline({"turns": [turn, say("Refunded.")]})
    run = post("clerk")

    assert work() == [Waiting()]

    assert trace(run)[1:] == [("tool_call", "refund", "planned"), ("tool_call", "look_up", "completed")]
    assert len(model.requests) == 1, "the next model call waits for all"
    approve(PendingAction.objects.get(run=run), user=user)
    work()
    run.refresh_from_db()
    assert run.status == "completed" and CALLS["refund"] == 1 and CALLS["look_up"] == 1


def test_a_rejected_call_is_skipped_and_the_model_is_told_why(offline, post, work, user):
    model = offline({"turns": [use(("refund", {"order_id": "7", "amount_usd": 3.5})), say("Understood.")]})
    run = post("clerk")
    work()

    reject(PendingAction.objects.get(run=run), user=user, note="Too late.")
    work()

    run.refresh_from_db()
    result = model.requests[1]["body"]["messages"][-1]["content"][0]
    assert run.status == "completed" and CALLS["refund"] == 0
    assert result["is_error"] and "Too late." in result["content"]
    assert run.steps.get(seq=2).status == "skipped"


def test_edited_arguments_are_what_the_tool_receives(offline, post, work, user):
    offline({"turns": [use(("refund", {"order_id": "7", "amount_usd": 100.0})), say("ok {{tool:refund}}")]})
    run = post("clerk")
    work()

    action = approve(PendingAction.objects.get(run=run), user=user, arguments={"order_id": "7", "amount_usd": 5.0})
    work()

    run.refresh_from_db()
    assert run.output == 'ok {"refunded":5.0,"order":"7"}'
    assert action.proposed == {"order_id": "7", "amount_usd": 100.0}


@pytest.mark.fault(36)
def test_arguments_that_were_tampered_with_after_approval_are_not_used(offline, post, work, user):
    offline({"turns": [use(("refund", {"order_id": "7", "amount_usd": 1.0})), say("ok")]})
    run = post("clerk")
    work()
    approve(PendingAction.objects.get(run=run), user=user)
    run.steps.filter(seq=2).update(arguments={"order_id": "7", "amount_usd": 999.0})

    assert work() == [Waiting()]

    assert CALLS["refund"] == 0


def test_approval_by_rule_asks_only_where_the_rule_says_so(offline, post, work):
    turn = use(("small_refund", {"amount_usd": 5.0}), ("small_refund", {"amount_usd": 50.0}))
    offline({"turns": [turn, say("ok")]})
    run = post("clerk")

    work()

    assert [s.status for s in run.steps.filter(name="small_refund").order_by("seq")] == ["completed", "planned"]


def test_ask_human_waits_for_an_answer_that_becomes_the_tools_result(offline, post, work, user):
    model = offline({"turns": [use(("ask_human", {"question": "Which?"})), say("Thanks.")]})
    run = post("clerk")
    assert work() == [Waiting()]

    send_message(run, user=user, text="The second.")
    work()

    run.refresh_from_db()
    assert run.status == "completed"
    assert model.requests[1]["body"]["messages"][-1]["content"][0]["content"] == "The second."


def test_a_conversing_agent_asks_instead_of_completing(offline, post, work, user):
    model = offline({"turns": [say("Who are you?"), say("Hello {{last_user}}.")]})
    run = post("talker", "hi")
    assert work() == [Waiting()]

    send_message(run, user=user, text="Bob")
    assert work() == [Waiting()]
    send_message(run, user=user, text="bye", end=True)
    work()

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", "Hello Bob.")
    assert len(model.requests) == 2, "a last word does not ask the model again"


def test_a_finished_conversation_goes_on_where_it_ended_and_again_from_there(offline, post, work, user):
    model = offline({"turns": [say("Who are you?"), say("Hello again."), say("And again.")]})
    first = post("talker", "hi")
    work()
    send_message(first, user=user, text="bye", end=True)
    work()

    second = post("talker", "back", continues=first.pk)
    assert work() == [Waiting()]
    send_message(second, user=user, text="bye bye", end=True)
    work()
    third = post("talker", "once more", continues=second.pk)
    assert work() == [Waiting()]

    said = [[b["text"] for b in m["content"]] for m in model.requests[-1]["body"]["messages"]]
    assert said == [["hi"], ["Who are you?"], ["bye", "back"], ["Hello again."], ["bye bye", "once more"]]
    assert PendingAction.objects.get(run=third).reason == "And again."
    assert Run.objects.get(pk=second.pk).output == "Hello again."


def test_a_conversing_agent_that_ends_its_turn_without_a_word_completes(offline, post, work):
    offline({"turns": [{"content": [], "stop_reason": "end_turn"}]})
    run = post("talker")

    work()

    run.refresh_from_db()
    assert run.status == "completed"


def test_a_full_budget_asks_and_a_raised_one_goes_on(offline, post, work, user):
    model = offline({"turns": [say("Cheap.")]})
    run = post("thrifty")
    assert work() == [Waiting()] and model.requests == []

    action = PendingAction.objects.get(run=run)
    assert action.kind == "budget"
    approve(action, user=user, arguments={"max_cost_usd": "1.00"})
    work()

    run.refresh_from_db()
    assert run.status == "completed" and run.max_cost_usd == 1


def test_a_budget_that_is_not_raised_fails_the_run(offline, post, work, user):
    offline({"turns": [say("Cheap.")]})
    run = post("thrifty")
    work()

    reject(PendingAction.objects.get(run=run), user=user, note="No.")
    work()

    run.refresh_from_db()
    assert run.status == "failed" and run.last_error["type"] == "BudgetRefusedError"


@pytest.mark.fault(52)
def test_a_tool_that_a_deploy_removed_asks_a_person(offline, post, work, user, monkeypatch):
    from runs.declarations.catalog import job_type_named

    offline({"turns": [use(("put", {"value": 1})), say("Done.")]})
    run = post("clerk")
    clerk = job_type_named("clerk")
    monkeypatch.setitem(clerk.__dict__, "tools_by_name", {})

    assert work() == [Waiting()]
    monkeypatch.undo()
    action = PendingAction.objects.get(run=run)
    approve(action, user=user)
    work()

    run.refresh_from_db()
    assert "no longer declares" in action.reason
    assert run.status == "completed" and CALLS["put"] == 1


def test_a_decision_that_comes_while_the_run_is_running_is_not_lost(offline, post, work, user, monkeypatch):
    from tests.testapp import agents

    turn = use(("refund", {"order_id": "7", "amount_usd": 3.5}), ("look_up", {"key": "a"}))
    offline({"turns": [turn, say("Refunded.")]})
    run = post("clerk")

    def decide_meanwhile(name):
        CALLS[name] += 1
        if name == "look_up":
            approve(PendingAction.objects.get(run=run), user=user)

    monkeypatch.setattr(agents, "_count", decide_meanwhile)

    work()

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["refund"] == 1
