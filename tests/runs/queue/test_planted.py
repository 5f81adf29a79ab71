"""Who can write to Redis can hold up doorbells, and no more: nothing planted is imported, called or obeyed."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import django_rq
import pytest
from redis import Redis
from rq import Queue

from agentops.embedded.valkey import ensure_valkey
from runs.invariants.of_queue import only_doorbells_lie_in_redis
from runs.models import Worker
from runs.queue import doorbell
from runs.worker.process import WorkerProcess
from runs.worker.rq_worker import AgentWorker
from tests.databases import environment
from tests.runs.queue.planted import KINDS, MODULE, plant_job
from tests.runs.worker.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]
JSON = "rq.serializers.JSONSerializer"


@pytest.fixture(scope="module")
def folder():
    path = Path(tempfile.mkdtemp(prefix="vk-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def valkey(folder, monkeypatch):
    """A server in which nothing lies."""
    server = Redis(unix_socket_path=str(ensure_valkey(folder)))
    server.flushall()

    def queue(name="agents"):
        return Queue(name, connection=server, serializer=JSON)

    monkeypatch.setattr(django_rq, "get_queue", queue)
    monkeypatch.setattr(doorbell, "_queue", queue)
    return server


@pytest.fixture
def harm(tmp_path, monkeypatch):
    """A module that leaves a file when it is imported, and an address that is only ever called by mistake."""
    imported = tmp_path / "imported"
    code = f"open({str(imported)!r}, 'w').close()\n\n\ndef call(*args, **kwargs):\n    pass\n"
    (tmp_path / f"{MODULE}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        yield Harm(imported, listener, tmp_path)
    sys.modules.pop(MODULE, None)


class Harm:
    """What must not happen."""

    def __init__(self, imported, listener, folder):
        self._imported, self._listener, self.folder = imported, listener, folder
        self._called = False
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

    def was_done(self):
        with suppress(BlockingIOError):
            self._listener.accept()[0].close()
            self._called = True
        return self._called or self._imported.exists()


@pytest.fixture
def ear(valkey, folder):
    """A listening worker whose process only says that it was woken."""
    woken = threading.Event()

    class Sleeper(WorkerProcess):
        def wake(self):
            woken.set()

    worker = AgentWorker(
        [Queue("agents", connection=valkey, serializer=JSON)],
        connection=Redis(unix_socket_path=str(ensure_valkey(folder))),
    )
    worker.process, worker.woken = Sleeper(["agents"]), woken
    thread = threading.Thread(target=worker._listen, daemon=True)
    worker.listen = thread.start
    yield worker
    worker.stopping.set()
    if thread.ident:
        doorbell._ring_now("agents")
        thread.join(20)


@pytest.mark.fault(8)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planted_is_not_run_and_the_next_bell_is_heard(kind, valkey, harm, ear):
    KINDS[kind](valkey, harm.url)

    ear.listen()

    def rung():
        doorbell._ring_now("agents")
        return ear.woken.is_set()

    wait_for(rung, timeout_s=30)
    assert not harm.was_done()


@pytest.mark.fault(8)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planted_is_a_breach(kind, valkey, harm):
    KINDS[kind](valkey, harm.url)

    assert {breach.invariant for breach in only_doorbells_lie_in_redis()} == {25}


@pytest.mark.fault(8)
def test_rqs_own_ways_do_nothing_if_anybody_calls_them(valkey, harm, ear):
    for plant in KINDS.values():
        plant(valkey, harm.url)
    job = Queue("agents", connection=valkey, serializer=JSON).fetch_job(plant_job(valkey, "job", url=harm.url))

    ear.run_maintenance_tasks()
    ear.clean_registries()
    ear.handle_payload({"type": "message", "data": json.dumps({"command": "shutdown"})})
    ear.execute_job(job, ear.queues[0])

    assert not harm.was_done()


STOPPING = ("a suspension", "ids without a job", "workers")  # RQ's loop ends or waits when it meets them
SWEPT = tuple(kind for kind in KINDS if kind not in STOPPING and not kind.startswith("text for"))


@pytest.mark.slow
@pytest.mark.fault(8)
@pytest.mark.parametrize(
    ("kinds", "options"),
    [(SWEPT, []), (STOPPING, []), (SWEPT + STOPPING, ["--burst"])],
    ids=["what RQ sweeps", "what stops RQ", "burst"],
)
def test_a_real_worker_imports_nothing_calls_nobody_and_obeys_nobody(kinds, options, valkey, folder, harm):
    for kind in kinds:
        KINDS[kind](valkey, harm.url)
    env = environment(
        REDIS_URL=f"unix://{ensure_valkey(folder)}",
        PYTHONPATH=os.pathsep.join([str(harm.folder), os.environ.get("PYTHONPATH", "")]),
    )
    process = subprocess.Popen([sys.executable, "manage.py", "rqworker", "agents", *options], cwd=ROOT, env=env)
    try:
        if "--burst" in options:
            assert process.wait(60) == 0
        else:
            _obeys_nobody(valkey, harm)
            assert process.poll() is None
    finally:
        process.kill()
        process.wait(60)
    assert not harm.was_done()


def _obeys_nobody(valkey, harm):
    """Wait until it hears, command it to end as RQ does, and see that it hears after it, too."""
    _hears(valkey, harm)
    worker = Worker.objects.alive().get()
    for command in ("shutdown", "kill-horse", "stop-job"):
        valkey.publish(f"rq:pubsub:{worker.id.hex}", json.dumps({"command": command, "job_id": "started"}))
    _hears(valkey, harm)
    assert Worker.objects.alive().get().id == worker.id


def _hears(valkey, harm):
    doorbell._ring_now("agents")
    wait_for(lambda: harm.was_done() or not valkey.exists("rq:queue:agents"), timeout_s=60)
    assert not harm.was_done()
