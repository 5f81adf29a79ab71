"""Bells that are lost, answered twice or never, and a Redis that dies: no run is lost, none is claimed twice."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from agentops.embedded.valkey import ensure_valkey
from runs.models import Run, RunEvent
from runs.queue import doorbell
from runs.worker.rq_worker import AgentWorker
from tests.databases import environment
from tests.runs.worker.conftest import gate, quick, worker  # noqa: F401 (fixtures)
from tests.runs.worker.waiting import status_of, wait_for
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]
JSON = "rq.serializers.JSONSerializer"
USE = {"content": [{"type": "tool_use", "name": "look_up", "input": {"key": "a"}}]}
DONE = {"content": [{"type": "text", "text": "Done."}]}


@pytest.fixture
def valkey():
    """A server of this test's own, which it may kill."""
    folder = Path(tempfile.mkdtemp(prefix="vk-"))
    yield Redis(unix_socket_path=str(ensure_valkey(folder)))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def queue(valkey, monkeypatch):
    queue = Queue("batch", connection=valkey, serializer=JSON)
    monkeypatch.setattr(doorbell, "_queue", lambda name: queue)
    return queue


@pytest.fixture
def listening(queue, worker):  # noqa: F811
    """A worker of real threads that hears the bells of this queue."""
    process = worker("agents", "batch")
    ear = AgentWorker([queue], connection=queue.connection)
    ear._install_signal_handlers = lambda: None
    ear.process = process
    thread = threading.Thread(target=ear._listen, daemon=True)
    thread.start()
    yield process
    ear.stopping.set()
    with contextlib.suppress(RedisError):
        doorbell._ring_now("batch")  # it looks whether it may stop after the next bell
    thread.join(10)
    assert not thread.is_alive()


def rqworker(address, *, faults):
    """Run a worker with its own bells until it dies."""
    command = [sys.executable, "manage.py", "rqworker", "batch=2", "agents", "--burst"]
    env = environment(REDIS_URL=address, AGENTOPS_FAULTS=faults)
    return subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, timeout=60).returncode


@pytest.mark.slow
@pytest.mark.fault(2)
def test_a_worker_that_dies_between_bell_and_claim_leaves_the_run_queued(post, work, queue, valkey):
    run = post("squares", input={"upto": 1})
    assert queue.count == 1
    socket = valkey.connection_pool.connection_kwargs["path"]

    code = rqworker(f"unix://{socket}?db=0", faults="claim.before:KILL:1.0")

    assert code == -signal.SIGKILL
    run.refresh_from_db()
    assert (run.status, run.fence, run.crashes) == ("queued", 0, 0)
    assert not RunEvent.objects.filter(run=run, kind="run.claimed").exists()
    valkey.flushall()  # its bell is answered, lost, or in nobody's list
    work()
    assert status_of(run) == "completed"


@pytest.mark.fault(3)
def test_fifty_bells_for_one_run_are_one_claim(post, queue, listening):
    run = post("squares", input={"upto": 3})
    for _ in range(50):
        Queue.enqueue_call(queue, doorbell.WAKE, args=("batch",), timeout=-1, ttl=10, result_ttl=0)

    wait_for(lambda: status_of(run) == "completed" and queue.count == 0)

    run.refresh_from_db()
    assert run.fence == 1 and RunEvent.objects.filter(run=run, kind="run.claimed").count() == 1


@pytest.mark.fault(4)
def test_a_redis_that_is_flushed_all_the_time_loses_no_run(post, queue, listening, valkey):
    stop = threading.Event()

    def flush():
        while not stop.wait(0.002):
            valkey.flushall()

    flusher = threading.Thread(target=flush)
    flusher.start()
    runs = [post("squares", input={"upto": 2}) for _ in range(20)]

    wait_for(lambda: Run.objects.filter(status="completed").count() == len(runs), timeout_s=30)

    stop.set()
    flusher.join(10)
    assert {run.fence for run in Run.objects.all()} == {1}


RING = """
import sys, time
import django; django.setup()
from redis import Redis
from runs.queue.doorbell import _ring_now
_ring_now("agents")
Redis(unix_socket_path=sys.argv[1]).execute_command("CLIENT PAUSE 30000 ALL")
began = time.monotonic()
_ring_now("agents")
print(time.monotonic() - began)
"""


@pytest.mark.slow
@pytest.mark.fault(6)
def test_a_redis_that_hangs_holds_up_who_rings_for_a_second_at_most(valkey):
    socket = valkey.connection_pool.connection_kwargs["path"]
    env = environment(REDIS_URL=f"unix://{socket}?db=0")

    command = [sys.executable, "-c", RING, socket]
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True).stdout

    assert float(told) < 1.5


@pytest.mark.fault(7)
def test_a_redis_that_dies_in_the_middle_of_a_call_takes_nothing_with_it(
    offline,
    post,
    queue,
    listening,
    valkey,
    gate,  # noqa: F811
):
    offline({"turns": [USE, DONE]})
    run = post("clerk")
    assert gate[0].wait(15)

    os.kill(valkey.info("server")["process_id"], signal.SIGKILL)
    gate[1].set()

    wait_for(lambda: status_of(run) == "completed")
    assert (Run.objects.get(pk=run.pk).fence, CALLS["look_up"]) == (1, 1)
