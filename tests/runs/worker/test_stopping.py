"""What is in flight stops when it must: cancelled, out of time, or because the worker ends. Real threads."""

import dataclasses
import time
from decimal import Decimal

import pytest

from deadletters.models import DeadLetter
from runs.declarations.catalog import job_type_named
from runs.engine.cancel import cancellation_of
from runs.invariants.every import breaches
from runs.models import ModelCall, PendingAction, Run
from runs.operations.cancel_run import cancel_run
from runs.operations.replay_run import retry_run
from tests.runs.worker.waiting import status_of, wait_for
from tests.testapp import agents

pytestmark = pytest.mark.django_db(transaction=True)

HANG = {"kind": "hang", "after": "message_start", "seconds": 30}
DONE = {"content": [{"type": "text", "text": "Done."}]}
SILENT = {**DONE, "faults": [HANG]}


def use(name, **arguments):
    return {"content": [{"type": "tool_use", "name": name, "input": arguments}]}


def is_asking(run):
    """The model is being asked, and silent."""
    return ModelCall.objects.filter(run=run, status="started").exists()


def test_cancelling_aborts_a_silent_model_call_and_says_what_it_cost(offline, post, worker, user):
    offline({"turns": [use("send", to="bob"), SILENT]})
    run = post("clerk")
    worker()
    wait_for(lambda: run.steps.filter(seq=3, status="started").exists())
    before = Run.objects.get(pk=run.pk).cost_usd

    cancel_run(run, user=user)
    asked = time.monotonic()
    wait_for(lambda: status_of(run) == "cancelled")

    assert time.monotonic() - asked < 15, "silence may last 120 s, the abort may not"
    run.refresh_from_db()
    call = ModelCall.objects.get(run=run, step__seq=3)
    assert (call.status, call.cost_usd) == ("presumed", call.reserved_usd)
    shown = cancellation_of(run)
    assert shown.requested_by == user.get_username() and shown.requested_at == run.cancel_requested_at
    assert shown.spent_after_usd == run.cost_usd - before == call.reserved_usd > 0
    assert shown.last_effect == {
        "seq": 2,
        "tool": "send",
        "effect_key": run.steps.get(seq=2).effect_key,
        "status": "completed",
    }
    assert Decimal(run.events.get(kind="run.cancelled").data["spent_after_usd"]) == call.reserved_usd
    assert list(breaches()) == []


def test_a_model_call_ends_at_the_deadline_of_its_run(offline, post, worker):
    offline({"turns": [SILENT]})
    run = post("clerk", timeout_s=0.6)
    worker()

    wait_for(lambda: status_of(run) == "failed", timeout_s=10)

    run.refresh_from_db()
    assert run.last_error["type"] == "DeadlineError" and run.running_s < 2.0
    assert ModelCall.objects.get(run=run).status == "presumed"
    assert list(breaches()) == []


def test_a_lost_lease_aborts_a_silent_model_call_and_writes_nothing(offline, post, worker):
    model = offline({"turns": [SILENT]})
    run = post("clerk")
    worker()
    wait_for(lambda: is_asking(run))
    time.sleep(0.5)  # the model has heard the question
    Run.objects.filter(pk=run.pk).update(fence=7)

    wait_for(lambda: model.requests, timeout_s=5)

    assert model.requests[0]["aborted"]
    assert is_asking(run), "the next holder presumes it spent"


def test_after_the_grace_a_silent_model_call_is_aborted_and_the_run_given_back(offline, post, worker):
    offline({"turns": [SILENT]})
    run = post("clerk")
    process = worker()
    wait_for(lambda: is_asking(run))

    began = time.monotonic()
    process.stop(grace_s=0.3)
    took = time.monotonic() - began

    run.refresh_from_db()
    call, step = ModelCall.objects.get(run=run), run.steps.get()
    assert 0.3 <= took < 15, "silence may last 120 s"
    assert (run.status, run.crashes, run.attempts, step.status) == ("queued", 0, 0, "planned")
    assert (call.status, run.cost_usd) == ("presumed", call.reserved_usd)
    assert run.events.filter(kind="run.released").count() == 1
    assert list(breaches()) == []


@pytest.mark.fault(17)
def test_a_run_given_back_in_mid_call_is_completed_by_another_worker(offline, post, worker):
    offline({"turns": [SILENT]})
    run = post("clerk")
    process = worker()
    wait_for(lambda: is_asking(run))
    time.sleep(0.5)  # the model has heard the question
    process.stop(grace_s=0.5)

    worker()
    wait_for(lambda: status_of(run) == "completed")

    run.refresh_from_db()
    assert (run.fence, run.crashes) == (2, 0)
    assert sorted(ModelCall.objects.filter(run=run).values_list("status", flat=True)) == ["presumed", "settled"]
    assert list(breaches()) == []


@pytest.mark.fault(38)
def test_a_tool_that_reports_its_progress_is_told_of_the_cancel(offline, post, worker, user):
    offline({"turns": [use("crawl"), DONE]})
    run = post("clerk")
    worker()
    wait_for(lambda: agents.CALLS["crawl"])

    cancel_run(run, user=user)
    wait_for(lambda: status_of(run) == "cancelled", timeout_s=4)

    run.refresh_from_db()
    step = run.steps.get(seq=2)
    assert step.status == "unknown", "an unsafe effect that was in flight stays visible"
    assert run.cancellation["last_effect"]["status"] == "unknown"
    assert list(breaches()) == []


def test_a_function_step_that_is_told_of_the_cancel_stays_visible_as_unknown(post, worker, user):
    run = post("crawler", input={})
    worker()
    wait_for(lambda: agents.CALLS["crawl"])

    cancel_run(run, user=user)
    wait_for(lambda: status_of(run) == "cancelled", timeout_s=4)

    assert run.steps.get().status == "unknown"
    assert list(breaches()) == []


@pytest.mark.fault(29)
def test_a_tool_that_reports_its_progress_is_told_of_the_steps_deadline(offline, post, worker):
    offline({"turns": [use("crawl_briefly"), DONE]})
    run = post("clerk")
    worker()

    wait_for(lambda: status_of(run) == "waiting_for_confirmation", timeout_s=5)

    run.refresh_from_db()
    assert run.steps.get(seq=2).error["type"] == "StepTimeoutError"
    assert PendingAction.objects.get(run=run).kind == "outcome"
    assert (run.fence, run.crashes) == (1, 0), "its thread was not given up"


def test_the_deadline_of_the_run_in_mid_effect_leaves_it_unknown_in_the_dead_letter(offline, post, worker, user):
    offline({"turns": [use("crawl"), DONE]})
    run = post("clerk", timeout_s=3)
    process = worker()

    wait_for(lambda: status_of(run) == "failed", timeout_s=10)

    step = run.steps.get(seq=2)
    assert step.status == "unknown"
    assert step.effect_key in str(DeadLetter.objects.get(run_id=run.pk).effects)
    assert list(breaches()) == []
    process.stop(grace_s=1)


def test_a_failed_run_with_an_unknown_effect_asks_about_it_when_it_is_retried(offline, post, worker, user):
    offline({"turns": [use("crawl"), DONE]})
    run = post("clerk", timeout_s=3)
    worker()
    wait_for(lambda: status_of(run) == "failed", timeout_s=10)

    retry_run(Run.objects.get(pk=run.pk), user=user)
    wait_for(lambda: status_of(run) == "waiting_for_confirmation", timeout_s=5)

    assert PendingAction.objects.get(run=run, status="open").kind == "outcome"
    assert agents.CALLS["crawl"] == 1
    assert list(breaches()) == []


@pytest.mark.fault(15)
def test_a_tool_that_hangs_beyond_the_time_of_its_run_is_given_up_for_good(offline, post, worker, gate):
    offline({"turns": [use("send", to="bob"), DONE]})
    run = post("clerk", timeout_s=3)
    worker()
    gate[0].wait(15)

    wait_for(lambda: status_of(run) == "failed", timeout_s=12)

    run.refresh_from_db()
    assert run.last_error["type"] == "DeadlineError" and run.steps.get(seq=2).status == "unknown"
    assert agents.CALLS["send"] == 1
    assert list(breaches()) == []


def test_a_thread_that_comes_back_after_it_was_given_up_leaves_as_many_slots_as_there_were(
    offline, post, worker, gate, monkeypatch
):
    tools = job_type_named("clerk").tools_by_name
    monkeypatch.setitem(tools, "send", dataclasses.replace(tools["send"], timeout_s=0.2))
    offline({"turns": [use("send", to="bob"), DONE]})
    run = post("clerk")
    process = worker(slots=1)
    gate[0].wait(15)
    wait_for(lambda: status_of(run) == "waiting_for_confirmation")

    gate[1].set()
    time.sleep(0.5)

    assert process.slots.wait_until_idle(5), "one slot, no more and no less"
