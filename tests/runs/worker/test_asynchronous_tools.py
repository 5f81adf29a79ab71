"""An asynchronous tool in a real worker ends as a plain one does: by a cancel, a lost lease, a deadline."""

import asyncio
import threading

import pytest

from runs.declarations import catalog
from runs.models import Run
from runs.operations.cancel_run import cancel_run
from runs.registry import Agent, tool
from tests.runs.engine.story import say, use
from tests.runs.worker.waiting import status_of, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sleeper(monkeypatch):
    """An agent whose tool sleeps and would sleep for ever; events that say that it has begun, and was ended."""
    begun, ended = threading.Event(), threading.Event()

    @tool(effect="unsafe", timeout_s=60)
    async def sleep(context) -> str:
        """Sleep."""
        begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            ended.set()
        return "awake"

    class Sleeper(Agent):
        name = "sleeper"
        model = "claude-sonnet-5-5"
        tools = [sleep]

    monkeypatch.setitem(catalog._catalog, "sleeper", Sleeper())
    return begun, ended


def test_a_cancel_ends_it(offline, post, user, worker, sleeper):
    begun, ended = sleeper
    offline({"turns": [use(("sleep", {})), say("Done.")]})
    run = post("sleeper")
    worker(slots=1)
    assert begun.wait(30)

    cancel_run(run, user=user)

    wait_for(lambda: status_of(run) == "cancelled", 30)
    assert ended.is_set() and run.steps.get(name="sleep").status == "unknown"


def test_a_lost_lease_ends_it_and_nothing_is_written(offline, post, worker, sleeper):
    begun, ended = sleeper
    offline({"turns": [use(("sleep", {})), say("Done.")]})
    run = post("sleeper")
    worker(slots=1)
    assert begun.wait(30)

    Run.objects.filter(pk=run.pk).update(fence=7)

    assert ended.wait(30)
    assert run.steps.get(name="sleep").status == "started"


def test_the_deadline_of_the_run_ends_it(offline, post, worker, sleeper):
    begun, ended = sleeper
    offline({"turns": [use(("sleep", {})), say("Done.")]})
    run = post("sleeper", timeout_s=3)
    worker(slots=1)
    assert begun.wait(30)

    wait_for(lambda: status_of(run) == "failed", 30)

    run.refresh_from_db()
    assert ended.is_set() and run.last_error["type"] == "DeadlineError"
