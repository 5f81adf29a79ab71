"""A worker process, with real threads: it finds work unasked, drains, notices what it lost."""

import sys
import threading
import time
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models.functions import Now

from runs.engine import perform
from runs.engine.limits.rules import rules
from runs.models import Limit, Pause, Run, Worker
from runs.operations.cancel_run import cancel_run
from runs.operations.pauses import pause
from runs.queue import doorbell
from runs.worker.process import WorkerProcess
from tests.runs.worker.waiting import status_of, wait_for
from tests.testapp import agents

pytestmark = pytest.mark.django_db(transaction=True)


USE = {"content": [{"type": "tool_use", "name": "look_up", "input": {"key": "a"}}]}
SEND = {"content": [{"type": "tool_use", "name": "send", "input": {"to": "bob"}}]}
DONE = {"content": [{"type": "text", "text": "Done."}]}


@pytest.mark.fault(1)
def test_a_worker_finds_work_without_any_doorbell(offline, post, worker):
    offline({"turns": [DONE]})
    worker()

    runs = [post("clerk") for _ in range(10)]

    wait_for(lambda: all(status_of(run) == "completed" for run in runs))


def test_slots_hold_several_runs_at_once(offline, post, worker, gate):
    offline({"turns": [USE, DONE]})
    runs = [post("clerk") for _ in range(4)]
    worker(slots=4)

    wait_for(lambda: agents.CALLS["look_up"] == 4)
    gate[1].set()

    wait_for(lambda: all(status_of(run) == "completed" for run in runs))


def test_a_burst_ends_though_a_pause_holds_runs_back(offline, post, worker):
    offline({"turns": [DONE]})
    root = get_user_model().objects.create_superuser("root", password="pw")
    pause(Pause(job_type="clerk", reason="broken"), user=root)
    held, free = post("clerk"), post("squares", input={"upto": 1})
    process = worker("agents", "batch")

    burst = threading.Thread(target=process.work_until_done, daemon=True)
    burst.start()
    burst.join(15)

    assert not burst.is_alive() and (status_of(held), status_of(free)) == ("queued", "completed")


@pytest.mark.fault(31)
def test_a_lease_is_renewed_for_longer_than_it_lasts(offline, post, worker, gate):
    offline({"turns": [USE, DONE]})
    run = post("clerk")
    worker()
    gate[0].wait(15)

    time.sleep(3.0)  # longer than a lease
    gate[1].set()

    wait_for(lambda: status_of(run) == "completed")
    run.refresh_from_db()
    assert run.fence == 1
    assert agents.CALLS["look_up"] == 1


@pytest.mark.fault(17)
def test_a_stopping_worker_gives_its_runs_back_at_the_next_boundary(offline, post, worker, gate):
    offline({"turns": [USE, DONE]})
    run = post("clerk")
    process = worker()
    gate[0].wait(15)

    threading.Timer(0.3, gate[1].set).start()
    process.stop(grace_s=10)

    run.refresh_from_db()
    assert run.status == "queued"
    assert [s.status for s in run.steps.all()] == ["completed", "completed"], "the call in flight was finished"


def test_after_the_grace_what_is_in_flight_is_given_back_and_its_late_result_fenced_off(offline, post, worker, gate):
    offline({"turns": [SEND, DONE]})
    run = post("clerk")
    process = worker()
    gate[0].wait(15)

    process.stop(grace_s=0.2)
    gate[1].set()
    time.sleep(0.3)

    run.refresh_from_db()
    assert run.status == "queued"
    assert run.steps.get(seq=2).status == "started", "nothing was written after the lease was given back"


@pytest.mark.fault(13)
def test_a_run_whose_lease_was_taken_writes_nothing_more(offline, post, worker, gate):
    offline({"turns": [SEND, DONE]})
    run = post("clerk")
    worker()
    gate[0].wait(15)
    Run.objects.filter(pk=run.pk).update(fence=7)

    gate[1].set()
    time.sleep(0.5)

    run.refresh_from_db()
    assert run.steps.get(seq=2).status == "started"


def test_a_running_run_is_cancelled_before_its_next_effect(offline, post, worker, gate, user):
    model = offline({"turns": [USE, DONE]})
    run = post("clerk")
    worker()
    gate[0].wait(15)

    cancel_run(run, user=user)
    assert status_of(run) == "running"
    gate[1].set()

    wait_for(lambda: status_of(run) == "cancelled")
    assert len(model.requests) == 1


@pytest.mark.fault(15, 29)
def test_a_step_that_outlives_its_deadline_is_abandoned_and_its_slot_reopens(offline, post, worker, gate, monkeypatch):
    from runs.declarations.catalog import job_type_named

    hasty = job_type_named("clerk").tools_by_name
    import dataclasses

    monkeypatch.setitem(hasty, "send", dataclasses.replace(hasty["send"], timeout_s=0.3))
    offline({"when": {"first_user_contains": "slow"}, "turns": [SEND, DONE]}, {"turns": [DONE]})
    slow = post("clerk", "slow")
    worker(slots=1)
    gate[0].wait(15)

    other = post("clerk", "quick")

    wait_for(lambda: status_of(other) == "completed")
    wait_for(lambda: status_of(slow) == "waiting_for_confirmation")
    assert slow.steps.get(seq=2).status == "unknown", "an unsafe call that hung is a person's to judge"
    assert agents.CALLS["send"] == 1


def test_a_dead_workers_run_goes_on_elsewhere(offline, post, worker):
    offline({"turns": [DONE]})
    run = post("clerk")
    from uuid import uuid4

    from runs.queue.claim import claim_next

    claim_next(["agents"], worker_id=uuid4(), worker_name="dead")
    Run.objects.filter(pk=run.pk).update(lease_expires_at=Now() - timedelta(seconds=1))

    worker()

    wait_for(lambda: status_of(run) == "completed")
    assert run.events.filter(kind="run.rescued").count() == 1


def test_a_worker_is_registered_while_it_lives(worker):
    process = worker("agents", slots=2)
    assert Worker.objects.alive().get(pk=process.id).slots == 2

    process.stop(grace_s=1)

    assert not Worker.objects.alive().filter(pk=process.id).exists()


def test_a_bell_lets_a_worker_see_an_edit_that_another_process_has_just_made(post, worker, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "sweep_s": 600.0}
    limit = Limit.objects.create(most=0, queue="batch")
    rules.clear()
    assert rules().limits, "as read for a claim a moment ago"
    run = post("squares", input={"upto": 1})
    process = worker()
    Limit.objects.filter(pk=limit.pk).update(is_active=False)

    process.wake()

    wait_for(lambda: status_of(run) == "completed", timeout_s=5)


def test_the_place_of_a_limit_over_queues_is_rung_for_when_its_run_ends(offline, post, worker, gate, monkeypatch):
    heard = []
    monkeypatch.setattr(doorbell, "_ring_now", heard.append)
    offline({"turns": [USE, DONE]})
    Limit.objects.create(most=1)
    rules.clear()
    run = post("clerk")
    worker("agents")
    gate[0].wait(15)
    post("squares", input={"upto": 1})
    heard.clear()

    gate[1].set()

    wait_for(lambda: heard == ["batch"])
    assert status_of(run) == "completed"


def test_working_until_done_waits_for_retries_too(offline, post, quick):
    offline({"turns": [{**DONE, "faults": [{"kind": "rate_limited", "retry_after_s": 0}]}]})
    run = post("clerk")
    process = WorkerProcess(["agents"], slots=2)
    process.start()

    process.work_until_done()
    process.stop(grace_s=1)

    assert status_of(run) == "completed"
    time.sleep(0.2)
    connection.close()


def test_a_slot_whose_thread_fails_goes_on_and_its_run_does_not_wait_for_the_lease(post, worker, settings, monkeypatch):
    settings.AGENTOPS = {**settings.AGENTOPS, "lease_s": 60.0}

    def exit_once(point):
        if point == "tool.after" and agents.CALLS["square-1"] == 1:
            raise SystemExit(3)

    monkeypatch.setattr(perform, "fault_point", exit_once)
    run = post("squares", input={"upto": 1})

    worker(slots=1)

    wait_for(lambda: status_of(run) == "completed")
    run.refresh_from_db()
    assert (run.fence, run.events.filter(kind="run.rescued").count()) == (2, 1)


def test_a_tool_that_exits_has_failed_and_takes_nothing_with_it(offline, post, worker, monkeypatch):
    offline({"turns": [USE, DONE]})
    monkeypatch.setattr(agents, "_count", lambda name: sys.exit(3))
    run = post("clerk")

    worker(slots=1)

    wait_for(lambda: status_of(run) == "completed")
    assert run.steps.get(seq=2).error["type"] == "SystemExit"
