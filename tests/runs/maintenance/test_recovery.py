"""What becomes of runs whose worker has died, or whose time has come."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from runs import liveness
from runs.maintenance import reconcile as reconciler
from runs.maintenance.reconcile import reconcile
from runs.maintenance.repair import repair_lanes
from runs.maintenance.rescue_runs import find_dead_workers, rescue_runs
from runs.maintenance.wake_timers import wake_timers
from runs.models import QueueLane, Run, RunEvent, Worker
from runs.queue.claim import claim_next
from tests.at_once import at_once

pytestmark = pytest.mark.django_db

HOLD = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django; django.setup()
from uuid import UUID
from runs.liveness import hold_liveness_lock
hold_liveness_lock(UUID(sys.argv[1])); print("up", flush=True); time.sleep(60)
"""


@pytest.fixture
def process():
    """A real process that holds the life line of a worker."""
    worker_id = uuid4()
    root = Path(__file__).resolve().parents[3]
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(worker_id)], cwd=root, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "up\n"
    Worker.objects.create(
        id=worker_id,
        name="w",
        host=os.uname().nodename,
        pid=child.pid,
        queues=["agents"],
        slots=1,
        started_at=Now(),
        heartbeat_at=Now(),
    )
    yield worker_id, child
    child.kill()
    child.wait()
    child.stdout.close()


def test_a_killed_workers_runs_go_on_without_waiting_for_the_lease(post, process):
    worker_id, child = process
    run = post("clerk")
    claim_next(["agents"], worker_id=worker_id, worker_name="w")
    assert find_dead_workers() == 0, "it lives"

    child.send_signal(signal.SIGKILL)
    child.wait()
    done = reconcile()

    run.refresh_from_db()
    assert (done["find_dead_workers"], done["rescue_runs"]) == (1, 1)
    assert (run.status, run.crashes) == ("queued", 1)
    assert find_dead_workers() == 0
    assert Worker.objects.get(pk=worker_id).lost, "the console says so"


def test_a_stopped_worker_is_not_taken_for_dead(post, process):
    worker_id, child = process
    claim_next(["agents"], worker_id=worker_id, worker_name="w")
    child.send_signal(signal.SIGSTOP)
    time.sleep(0.2)

    assert find_dead_workers() == 0
    assert not liveness.is_dead(uuid4()), "what is not known is not dead"


@pytest.mark.fault(18)
def test_a_living_lease_is_left_alone_and_a_dead_one_is_taken_once(post):
    run = post("clerk")
    claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    assert rescue_runs() == 0

    Run.objects.update(lease_expires_at=Now() - timedelta(seconds=1))

    assert (rescue_runs(), rescue_runs()) == (1, 0)
    run.refresh_from_db()
    assert run.status == "queued"


@pytest.mark.fault(18)
@pytest.mark.django_db(transaction=True)
def test_reconcilers_at_the_same_moment_rescue_each_run_once(post):
    runs = [post("clerk") for _ in range(12)]
    for _ in runs:
        claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    Run.objects.update(lease_expires_at=Now() - timedelta(seconds=1))

    rescued = at_once(8, lambda _: rescue_runs())

    assert sum(rescued) == len(runs)
    assert set(Run.objects.values_list("status", "crashes")) == {("queued", 1)}
    assert RunEvent.objects.filter(kind="run.rescued").count() == len(runs)
    assert repair_lanes() == 0


def test_one_bad_row_does_not_stop_the_others(post, monkeypatch):
    from runs.maintenance import rescue_runs as module

    runs = [post("clerk") for _ in range(3)]
    for _ in runs:
        claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    Run.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    real = module._rescue
    monkeypatch.setattr(module, "_rescue", lambda run: 1 / 0 if run.pk == runs[1].pk else real(run))

    assert rescue_runs() == 2


def test_a_part_that_fails_does_not_stop_the_other_parts(monkeypatch):
    def broken():
        raise RuntimeError("no")

    monkeypatch.setattr(reconciler, "FREQUENT", (broken, wake_timers))
    monkeypatch.setattr(reconciler, "UPKEEP", [])

    assert reconcile() == {"wake_timers": 0}


def test_a_scheduled_run_starts_at_its_time_and_not_before(post, offline, work):
    offline({"turns": [{"content": [{"type": "text", "text": "Good morning."}]}]})
    run = post("clerk", scheduled_at=post("clerk").created_at + timedelta(hours=1))
    assert run.status == "scheduled"
    assert wake_timers() == 0

    Run.objects.filter(pk=run.pk).update(next_attempt_at=Now())
    assert wake_timers() == 1
    work()

    run.refresh_from_db()
    assert run.status == "completed"


def test_lines_are_recounted(post):
    run = post("clerk")
    QueueLane.objects.update(queued=5, running=3)

    assert (repair_lanes(), repair_lanes()) == (1, 0)
    lane = QueueLane.objects.get(pk=run.queue_lane_id)
    assert (lane.queued, lane.running) == (1, 0)
