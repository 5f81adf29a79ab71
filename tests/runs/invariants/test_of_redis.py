"""Redis holds doorbells and nothing else; whatever else lies there is named, and never run."""

import shutil
import tempfile
from pathlib import Path

import django_rq
import pytest
from redis import Redis
from rq import Queue

from agentops.embedded.valkey import ensure_valkey
from runs.invariants.of_queue import only_doorbells_lie_in_redis
from runs.queue import doorbell

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def valkey():
    folder = Path(tempfile.mkdtemp(prefix="vk-"))
    yield Redis(unix_socket_path=str(ensure_valkey(folder)))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def queue(valkey, monkeypatch):
    """The queue `agents` on the embedded server, as django-rq gives it to everybody."""
    valkey.flushall()

    def queue(name="agents"):
        return Queue(name, connection=valkey, serializer="rq.serializers.JSONSerializer")

    monkeypatch.setattr(django_rq, "get_queue", queue)
    monkeypatch.setattr(doorbell, "_queue", queue)
    return queue()


def found():
    return [breach.invariant for breach in only_doorbells_lie_in_redis()]


def test_our_doorbells_are_no_foreign_jobs(queue):
    doorbell._ring_now("agents")
    doorbell._ring_now("batch")
    assert queue.count == 1

    assert found() == []


STRANGERS = {
    "another function": lambda queue: queue.enqueue_call("os.system", args=("true",)),
    "more arguments": lambda queue: queue.enqueue_call("wake", args=("agents", "a run's input")),
    "another queue's name": lambda queue: queue.enqueue_call("wake", args=("batch",)),
    "a callback": lambda queue: queue.connection.hset(
        f"rq:job:{queue.enqueue_call('wake', args=('agents',)).id}", "success_callback_name", "os.system"
    ),
    "garbage": lambda queue: (queue.connection.hset("rq:job:x", "data", b"\x80\x04"), queue.push_job_id("x")),
}


@pytest.mark.parametrize("what", STRANGERS)
def test_a_stranger_is_named(queue, what):
    doorbell._ring_now("agents")

    STRANGERS[what](queue)

    assert found() == [25]


def test_redis_away_is_no_breach():
    assert found() == []
