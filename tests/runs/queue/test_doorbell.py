"""Doorbells over a real Valkey: they wake a worker, carry nothing, and may all be lost."""

import json
import pickle
import shutil
import tempfile
import threading
import time
from pathlib import Path

import django_rq
import pytest
from django.db import transaction
from redis import Redis
from rq import Queue
from rq.job import Job

from agentops.embedded.valkey import ensure_valkey
from runs.models import Run
from runs.queue import doorbell
from runs.worker.process import WorkerProcess
from runs.worker.rq_worker import AgentWorker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def valkey():
    folder = Path(tempfile.mkdtemp(prefix="vk-"))
    yield Redis(unix_socket_path=str(ensure_valkey(folder)))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def queue(valkey, monkeypatch):
    """The queue `agents` on the embedded server."""
    valkey.flushall()
    queue = Queue("agents", connection=valkey, serializer="rq.serializers.JSONSerializer")
    monkeypatch.setattr(doorbell, "_queue", lambda name: queue)
    return queue


@pytest.fixture
def ear(queue, settings):
    """A worker that hears, with a process that only counts how often it was woken."""

    class Counting(WorkerProcess):
        woken = 0

        def wake(self):
            self.woken += 1

    worker = AgentWorker([queue], connection=queue.connection)
    worker._install_signal_handlers = lambda: None
    worker.process = Counting(["agents"])
    return worker


@transaction.atomic
def ring_and_roll_back():
    doorbell.ring("agents")
    raise ZeroDivisionError


def listen(ear):
    """Answer every bell that rings now."""
    while ear.connection.exists(*(queue.key for queue in ear.queues)):
        ear.hear(wait_s=0)


def test_a_bell_holds_a_queues_name_and_nothing_else(queue):
    doorbell.ring("agents")

    [job_id] = queue.job_ids
    job = Job.fetch(job_id, connection=queue.connection, serializer=queue.serializer)
    assert json.loads(job.data)[0] == "wake"
    assert list(job.args) == ["agents"]
    assert job.kwargs == {}


def test_a_bell_rings_after_the_commit_and_not_after_a_rollback(queue):
    with transaction.atomic():
        doorbell.ring("agents")
        assert queue.count == 0
    assert queue.count == 1

    with pytest.raises(ZeroDivisionError):
        ring_and_roll_back()
    assert queue.count == 1


def test_a_worker_wakes_and_leaves_nothing_in_redis(queue, ear, valkey):
    doorbell.ring("agents")

    listen(ear)

    assert ear.process.woken == 1
    assert valkey.keys("*") == []
    assert queue.count == 0
    assert valkey.llen(queue.intermediate_queue_key) == 0


def test_bells_that_nobody_answers_do_not_pile_up(queue):
    for _ in range(100):
        doorbell.ring("agents")

    assert queue.count == doorbell._WAITING_MAX


@pytest.mark.fault(8)
def test_a_job_that_is_no_doorbell_is_removed_and_not_run(queue, ear, tmp_path, valkey):
    evidence = tmp_path / "ran"
    queue.enqueue_call("os.system", args=(f"touch {evidence}",))
    bad = queue.enqueue_call("wake", args=("agents",))
    pickled = pickle.dumps(("os.system", None, (f"touch {evidence}",), {}))
    valkey.hset(bad.key, "data", pickled)
    doorbell.ring("agents")

    listen(ear)

    assert not evidence.exists()
    assert ear.process.woken == 1
    assert queue.count == 0


@pytest.mark.fault(5)
def test_without_redis_ringing_raises_nothing_and_the_run_is_found_unasked(offline, post, monkeypatch, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "sweep_s": 0.2}
    nobody = Queue("agents", connection=Redis(port=1, socket_connect_timeout=0.2))
    monkeypatch.setattr(doorbell, "_queue", lambda name: nobody)
    offline({"turns": [{"content": [{"type": "text", "text": "Done."}]}]})
    process = WorkerProcess(["agents"], slots=1)
    process.start()

    run = post("clerk")

    ends_at = time.monotonic() + 10
    while Run.objects.get(pk=run.pk).status != "completed":
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    process.stop(1)
    time.sleep(0.3)


@pytest.mark.fault(8)
def test_one_bad_hash_does_not_deafen_the_worker(queue, ear, valkey):
    bad = queue.enqueue_call("wake", args=("agents",))
    valkey.hset(bad.key, "created_at", "garbage")
    listening = threading.Thread(target=ear._listen, daemon=True)
    listening.start()

    doorbell.ring("agents")

    ends_at = time.monotonic() + 10
    while not ear.process.woken:
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    ear.stopping.set()  # read after the next bell
    doorbell.ring("agents")
    listening.join(5)


def test_the_queues_of_the_project_speak_json_and_have_no_timeout(settings):
    assert set(settings.RQ_QUEUES) == {"realtime", "agents", "default", "batch"}
    queue = django_rq.get_queue("agents")
    assert queue.serializer.__name__ == "JSONSerializer"
    assert queue._default_timeout == -1
