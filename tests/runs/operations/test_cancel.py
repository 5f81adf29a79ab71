"""Cancelling: one end, whoever is faster; what a dead worker had begun is accounted for."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now

from runs import clock
from runs.engine.advance import advance
from runs.engine.cancel import cancellation_of
from runs.engine.journal import Journal
from runs.engine.provider import Answer, answered_by
from runs.errors import InvalidTransitionError
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import ModelCall, PendingAction, Run
from runs.models.moves import transition
from runs.operations.cancel_run import cancel_run
from runs.queue.claim import claim_next
from runs.registry import RateLimitedError
from runs.states import RunStatus
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS, HAPPENED

pytestmark = pytest.mark.django_db


def rescue():
    Run.objects.filter(status="running").update(lease_expires_at=Now() - timedelta(seconds=1))
    assert rescue_runs() == 1


@pytest.mark.parametrize(
    ("tool", "arguments"), [("send", {"to": "bob"}), ("put", {"value": 1}), ("book", {"room": "12"})]
)
def test_a_cancel_that_a_dead_worker_never_saw_ends_the_run_at_its_next_claim(
    offline, post, work, user, die_at, tool, arguments
):
    model = offline({"turns": [use((tool, arguments)), say("Done.")]})
    run = post("clerk")
    die_at("tool.after")
    cancel_run(run, user=user)
    assert Run.objects.get(pk=run.pk).status == "running", "nobody knows yet that its worker is dead"
    HAPPENED["any"] = "a look-up would find it"

    rescue()
    work()

    run.refresh_from_db()
    step = run.steps.get(seq=2)
    assert run.status == "cancelled" and step.status == "unknown"
    assert CALLS[tool] == 1 and len(model.requests) == 1, "no further effect"
    assert not PendingAction.objects.filter(run=run, status="open").exists()
    assert cancellation_of(run).last_effect == {
        "seq": 2,
        "tool": tool,
        "effect_key": step.effect_key,
        "status": "unknown",
    }
    assert list(breaches()) == []


def test_a_model_call_that_a_dead_worker_had_begun_is_spent_after_the_request(offline, post, work, user, die_at):
    offline({"turns": [say("Done.")]})
    run = post("clerk")
    die_at("model.before")
    cancel_run(run, user=user)

    rescue()
    work()

    run.refresh_from_db()
    call = ModelCall.objects.get(run=run)
    assert (run.status, call.status) == ("cancelled", "presumed")
    assert cancellation_of(run).spent_after_usd == run.cost_usd == call.reserved_usd > 0
    assert list(breaches()) == []


def test_cancelling_a_run_that_was_rescued_and_not_claimed_yet_ends_it_at_once(offline, post, user, die_at):
    offline({"turns": [use(("send", {"to": "bob"})), say("Done.")]})
    run = post("clerk")
    die_at("model.before", nth=2)
    rescue()

    cancelled = cancel_run(run, user=user)

    assert cancelled.status == "cancelled"
    run.refresh_from_db()
    shown = cancellation_of(run)
    assert shown.last_effect["seq"] == 2 and shown.last_effect["status"] == "completed"
    assert shown.spent_after_usd == ModelCall.objects.get(run=run, status="presumed").reserved_usd
    assert run.cost_usd == cancelled.cost_usd
    assert list(breaches()) == []


def test_a_run_whose_worker_dies_too_often_is_still_accounted_for(offline, post, work, die_at):
    offline({"turns": [say("Done.")]})
    run = post("clerk")

    for _ in range(3):
        die_at("model.before")
        rescue()

    run.refresh_from_db()
    assert run.status == "failed"
    assert set(ModelCall.objects.filter(run=run).values_list("status", flat=True)) == {"presumed"}
    assert list(breaches()) == []


def test_a_run_that_nobody_asked_to_cancel_shows_no_cancellation(post, user):
    run = post("clerk")
    assert cancellation_of(run) is None

    cancel_run(run, user=user)

    shown = cancellation_of(Run.objects.get(pk=run.pk))
    assert (shown.requested_by, shown.last_effect, shown.spent_after_usd) == (user.get_username(), None, 0)


@pytest.mark.fault(38)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_a_cancel_that_races_with_the_end_leaves_one_end(offline, post, user, round_):
    offline({"turns": [say("Done.")]})
    run = post("clerk")
    claimed = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    assert claimed
    barrier = threading.Barrier(2)
    refused = []

    def cancel():
        barrier.wait()
        try:
            cancel_run(run, user=user)
        except InvalidTransitionError as error:
            refused.append(error)
        finally:
            connection.close()

    def finish():
        barrier.wait()
        advance(*claimed)
        connection.close()

    threads = [threading.Thread(target=cancel), threading.Thread(target=finish)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    run.refresh_from_db()
    assert run.status in ("completed", "cancelled")
    assert bool(refused) <= (run.status == "completed")
    assert run.events.filter(kind__in=["run.completed", "run.cancelled"]).count() == 1
    assert list(breaches()) == []


def test_a_call_whose_intent_the_cancel_forestalled_is_not_unknown(offline, post, work, user, monkeypatch):
    offline({"turns": [use(("send", {"to": "bob"})), say("Done.")]})
    run = post("clerk")
    commit = Journal.commit_intent

    def cancelled_meanwhile(journal, **more):
        if journal.steps[-1].name == "send":
            cancel_run(run, user=user)
        commit(journal, **more)

    monkeypatch.setattr(Journal, "commit_intent", cancelled_meanwhile)

    work()

    run.refresh_from_db()
    step = run.steps.get(seq=2)
    assert (run.status, step.status, step.attempt, CALLS["send"]) == ("cancelled", "skipped", 0, 0)
    assert cancellation_of(run).last_effect is None
    assert list(breaches()) == []


def answer_while_cancelling(run, user, *calls):
    """A model that asks for these calls; before it has answered, somebody cancels the run."""

    def answer(request, **_):
        cancel_run(run, user=user)
        content = [{"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": i} for n, (name, i) in calls]
        message = {"id": "msg_1", "model": request["model"], "content": content, "stop_reason": "tool_use"}
        return Answer(message=message | {"usage": {"input_tokens": 1, "output_tokens": 1}}, request_id="req")

    return answered_by(answer)


REFUND = ("refund", {"order_id": "7", "amount_usd": 3.5})


@pytest.mark.parametrize("others", [(), (("send", {"to": "bob"}),), (("look_up", {"key": "a"}),)], ids=str)
def test_a_cancel_during_the_answer_that_proposes_a_call_asks_nobody(post, work, user, others):
    run = post("clerk")

    with answer_while_cancelling(run, user, *enumerate([REFUND, *others])):
        work()

    run.refresh_from_db()
    assert run.status == "cancelled" and not sum(CALLS.values())
    assert not PendingAction.objects.filter(run=run, status="open").exists()
    assert run.events.latest("seq").kind == "run.cancelled"
    assert list(breaches()) == []


@pytest.mark.parametrize("error", [RateLimitedError("later", retry_after_s=500.0)], ids=str)
def test_a_cancel_during_a_call_that_fails_in_passing_does_not_wait_for_the_next_try(post, work, user, error):
    run = post("clerk")

    def refuse(request, **_):
        cancel_run(run, user=user)
        raise error

    with answered_by(refuse):
        work()

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert list(breaches()) == []


def test_a_run_that_failed_after_it_was_asked_to_cancel_cannot_be_cancelled_any_more(post, user):
    run = post("clerk")
    transition(run, to=RunStatus.RUNNING, lease_expires_at=clock.now(), cancel_requested_at=clock.now())
    transition(run, to=RunStatus.FAILED)

    with pytest.raises(InvalidTransitionError, match="already failed"):
        cancel_run(run, user=user)
