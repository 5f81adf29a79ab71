"""A worker as a real process: how it stops when it is told to, and that nothing it started outlives it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import find_dead_workers
from runs.models import ModelCall, Run, Worker
from tests.databases import environment
from tests.runs.worker.waiting import status_of, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]
DONE = {"content": [{"type": "text", "text": "Done."}]}
SILENT = {**DONE, "faults": [{"kind": "hang", "after": "message_start", "seconds": 60}]}
SPAWN = {"content": [{"type": "tool_use", "name": "spawn", "input": {}}]}


def database_url():
    """The address of the test's own database, for a process beside it."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@pytest.fixture
def rqworker():
    """Start `rqworker agents batch` with these options; it is up when its row is."""
    started = []

    def start(model, *options):
        env = {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "ANTHROPIC_BASE_URL": model.base_url,
            "ANTHROPIC_API_KEY": "offline",
        }
        command = [sys.executable, "manage.py", "rqworker", "agents", "batch", "--slots", "2", *options]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | env, stdout=subprocess.DEVNULL)
        started.append(process)
        wait_for(lambda: Worker.objects.filter(pid=process.pid).exists(), timeout_s=60)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def is_alive(pid):
    try:
        state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def ended_after(process):
    began = time.monotonic()
    assert process.wait(30) == 0
    return time.monotonic() - began


@pytest.mark.fault(17)
@pytest.mark.parametrize("signals", [1, 2])
def test_told_to_stop_in_a_silent_model_call_it_ends_with_its_grace_and_another_goes_on(
    offline, post, rqworker, signals
):
    model = offline({"turns": [SILENT]})
    run = post("clerk")
    worker = rqworker(model, "--grace", "1")
    wait_for(lambda: ModelCall.objects.filter(run=run, status="started").exists(), timeout_s=30)
    time.sleep(0.5)  # the model has heard the question

    for _ in range(signals):
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    took = ended_after(worker)

    run.refresh_from_db()
    call = ModelCall.objects.get(run=run)
    assert took < 1 + 1.5
    assert (run.status, run.crashes, call.status, run.cost_usd) == ("queued", 0, "presumed", call.reserved_usd)
    other = rqworker(model, "--burst")
    wait_for(lambda: status_of(run) == "completed", timeout_s=10)
    run.refresh_from_db()
    assert (run.fence, run.crashes) == (2, 0)
    assert list(breaches()) == []
    other.wait(30)


def test_told_to_stop_while_idle_it_ends_at_once(offline, rqworker):
    worker = rqworker(offline({"turns": [DONE]}))
    time.sleep(1.0)

    worker.send_signal(signal.SIGTERM)

    assert ended_after(worker) < 2.0
    assert not Worker.objects.alive().exists()


@pytest.mark.fault(32)
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_no_child_process_of_a_tool_outlives_its_worker(offline, post, rqworker, ending):
    run = post("clerk")
    worker = rqworker(offline({"turns": [SPAWN, DONE]}), "--grace", "0.2")
    wait_for(lambda: Run.objects.get(pk=run.pk).progress_message, timeout_s=30)
    children = [int(pid) for pid in Run.objects.get(pk=run.pk).progress_message.split()]
    assert len(children) == 3 and all(is_alive(pid) for pid in children)

    worker.send_signal(ending)
    worker.wait(30)
    if ending == signal.SIGKILL:
        assert all(is_alive(pid) for pid in children), "nobody has looked yet"
        assert find_dead_workers() == 1, "not even a forked child holds its life line"

    wait_for(lambda: not any(is_alive(pid) for pid in children), timeout_s=2)


@pytest.mark.slow
@pytest.mark.fault(11)
@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_workers_whose_pool_is_killed_give_their_runs_back_and_end(post, work):
    run = post("slow_squares", input={"upto": 15})
    command = [sys.executable, "manage.py", "rqworker-pool", "batch", "--num-workers", "1"]
    pool = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL)
    wait_for(lambda: run.steps.filter(status="completed").exists(), timeout_s=60)
    worker = Worker.objects.alive().get()

    pool.kill()
    pool.wait()

    wait_for(lambda: not is_alive(worker.pid), timeout_s=15)
    run.refresh_from_db()
    assert (run.status, run.crashes) == ("queued", 0), "nobody held it when its worker was gone"
    work()
    assert set(run.steps.values_list("status", "attempt")) == {("completed", 1)}
