"""The batch lane in this process: runs that wait, a thread's work done by hand, the provider's model offline."""

import pytest

from runs import clock, fault_points
from runs.conf import conf
from runs.invariants.every import breaches
from runs.maintenance.batches.tend import tend_batches
from runs.maintenance.wake_timers import wake_timers


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _no_breach(db):
    yield
    assert list(breaches(look_again_after_s=0)) == []


@pytest.fixture
def say():
    """Build a script that says a text, or calls a tool first, through faults."""

    def script(*turns, faults=(), **when):
        blocks = [turn if isinstance(turn, dict) else {"type": "text", "text": turn} for turn in turns]
        return {"turns": [{"content": [block]} for block in blocks], "faults": list(faults), "when": when}

    return script


@pytest.fixture
def three(offline, say, post, work):
    """Three runs that wait for a batch of a model with these faults."""

    def wait(*faults, batch_s=0.0):
        model = offline(say("Hi", faults=faults, first_user_contains="number"), batch_s=batch_s)
        for number in range(3):
            post("clerk", lane="batch", text=f"number {number}")
        work()
        return model

    return wait


@pytest.fixture
def tend():
    """Let the lane gather long enough, then send, look and collect, as often as asked."""

    def tend(times=2):
        for _ in range(times):
            clock.advance(conf().batch_gather_s + conf().batch_poll_s)
            tend_batches()

    return tend


@pytest.fixture
def finish(work, tend):
    """Work and tend until nothing is left to be done."""

    def finish(rounds=12):
        for _ in range(rounds):
            work()
            tend()
            clock.advance(60)
            wake_timers()

    return finish


@pytest.fixture
def crash_at(monkeypatch, tend):
    """Let the «process» die at this fault point while it tends; the next one looks when the batch's time has come."""

    def crash(point):
        def kill(pid, sig):
            raise Crash

        monkeypatch.setattr(fault_points, "_armed", lambda: {point: (9, 1.1)})
        monkeypatch.setattr(fault_points.os, "kill", kill)
        with pytest.raises(Crash):
            tend()
        monkeypatch.setattr(fault_points, "_armed", dict)
        clock.advance(conf().batch_settles_s)

    return crash
