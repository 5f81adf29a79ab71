"""Workers of real threads with quick clocks, and a gate in their tools."""

import threading
import time

import pytest

from runs.worker.process import WorkerProcess
from tests.testapp import agents


@pytest.fixture
def quick(settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "heartbeat_s": 0.1, "lease_s": 2.0, "sweep_s": 0.1}


@pytest.fixture
def worker(quick):
    started = []

    def start(*queues, slots=4):
        process = WorkerProcess(list(queues) or ["agents", "batch"], slots=slots)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        if not process.ended.is_set():
            process.stop(grace_s=1)
    time.sleep(0.2)  # its threads close their connections


@pytest.fixture
def gate(monkeypatch):
    """A tool that says when it has begun and waits until it is let go."""
    begun, go = threading.Event(), threading.Event()

    def count(name):
        agents.CALLS[name] += 1
        begun.set()
        go.wait(20)

    monkeypatch.setattr(agents, "_count", count)
    agents.CALLS.clear()
    yield begun, go
    go.set()
