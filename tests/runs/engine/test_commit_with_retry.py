"""Connections that break in mid-write: nothing is written twice, nothing that happened is forgotten."""

import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from runs import clock
from runs.clock import Now
from runs.engine.rate_limits import permits
from runs.engine.rate_limits.active import limits_for
from runs.engine.rate_limits.bucket import empty
from runs.engine.rate_limits.permits import look
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import ModelCall, QueueLane, RateLimit, RateLimitBucket, Run
from tests.cutting_proxy import CuttingProxy
from tests.runs.budgets.money import budget
from tests.runs.engine.story import say, trace, use
from tests.testapp.agents import CALLS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="a SQLite database has no connection to lose"),
]

STORY = {"turns": [use(("send", {"to": "a"})), use(("look_up", {"key": "k"})), say("Done.")]}
SLEEPS = {"turns": [use(("refund", {"order_id": "7", "amount_usd": 3.5}), ("send", {"to": "a"})), say("Done.")]}
CALLED = ["send", "look_up"]
CLAIM_COMMITS = 2  # after the guarded statement in its transaction


@pytest.fixture
def proxy():
    """All connections of this test go through a proxy."""
    folder = tempfile.mkdtemp(prefix="cut-")
    params = connection.get_connection_params()
    proxy = CuttingProxy(Path(folder), f"{params['host']}/.s.PGSQL.5432")
    options = connection.settings_dict["OPTIONS"]
    before = options.get("host"), connection.settings_dict["HOST"]

    def point_at(option, host):
        connection.close()
        connection.close_pool()
        options["host"], connection.settings_dict["HOST"] = option, host

    point_at(folder, folder)
    yield proxy
    point_at(*before)
    proxy.close()


@pytest.mark.fault(48)
@pytest.mark.parametrize("deliver", [False, True], ids=["write lost", "answer lost"])
@pytest.mark.parametrize("has_budget", [False, True], ids=["one statement", "a transaction with budgets"])
def test_a_write_without_an_answer_is_written_exactly_once(offline, post, work, proxy, deliver, has_budget):
    offline(STORY)
    if has_budget:
        budget("1000")
    at_write = 0
    while at_write == 0 or proxy.cuts:
        at_write += 1
        CALLS.clear()
        run = post("clerk")
        proxy.cut(at_write=at_write, deliver=deliver)
        work_through(work, run)

        assert run.status == "completed"
        # Only a claim that was committed unheard waits for its lease; a journal finds out and goes on.
        unheard = at_write == CLAIM_COMMITS and deliver
        assert (run.fence, run.attempts) == (2 if unheard else 1, 0), f"write {at_write}"
        assert {name: CALLS[name] for name in CALLED} == dict.fromkeys(CALLED, 1)
        assert [name for _, name, _ in trace(run) if name in CALLED] == CALLED
        assert run.cost_usd == sum(call.cost_usd for call in ModelCall.objects.filter(run=run))
        assert ModelCall.objects.filter(run=run).count() == 3
        assert run.events.filter(kind="step.completed").count() == 5
    proxy.cut(at_write=0, deliver=False)
    assert at_write > 5
    assert list(breaches()) == []


@pytest.mark.parametrize("deliver", [False, True], ids=["write lost", "answer lost"])
def test_a_run_that_goes_to_sleep_forgets_nothing_when_a_write_has_no_answer(offline, post, work, proxy, deliver):
    """The result of a call is written together with the sleep: all of that is written again, or none of it."""
    offline(SLEEPS)
    at_write = 0
    while at_write == 0 or proxy.cuts:
        at_write += 1
        CALLS.clear()
        run = post("clerk")
        proxy.cut(at_write=at_write, deliver=deliver)
        work_through(work, run, until="waiting_for_confirmation")

        assert run.status == "waiting_for_confirmation", f"write {at_write}"
        assert (run.steps.get(name="send").status, CALLS["send"]) == ("completed", 1), f"write {at_write}"
        assert [action.kind for action in run.actions.all()] == ["approval"]
        assert run.events.filter(kind="run.waiting_for_confirmation").count() == 1
    proxy.cut(at_write=0, deliver=False)
    assert at_write > 4
    assert list(breaches()) == []


@pytest.mark.parametrize("deliver", [False, True], ids=["write lost", "answer lost"])
def test_a_permit_whose_commit_has_no_answer_is_taken_exactly_once(offline, post, work, proxy, deliver, monkeypatch):
    offline({"turns": [say("Done.")]})
    limit = RateLimit.objects.create(requests_per_minute=600, ramp_s=0)
    then = clock.now() + timedelta(minutes=1)
    monkeypatch.setattr(permits, "clock", SimpleNamespace(now=lambda: then, monotonic=clock.monotonic))
    at_write = 0
    while at_write == 0 or proxy.cuts:
        at_write += 1
        RateLimitBucket.objects.update(state=empty(then.timestamp() - 60).as_json())
        run = post("clerk")
        proxy.cut(at_write=at_write, deliver=deliver)
        work_through(work, run)

        assert run.status == "completed"
        if at_write > 1:  # the first run has made the bucket
            assert look(limits_for(limit.model_class))[0][1].left[0] == 50 - 1, f"write {at_write}"
    proxy.cut(at_write=0, deliver=False)
    assert at_write > 5


def work_through(work, run, until="completed"):
    """Work like a slot: a claim that fails is tried again. One that was committed unheard waits for its lease."""
    for _ in range(5):
        try:
            work()
        except Exception:
            connection.close()
        run.refresh_from_db()
        if run.status == until:
            return
        Run.objects.filter(pk=run.pk, status="running").update(lease_expires_at=Now())
        rescue_runs()


@pytest.mark.fault(49)
def test_a_deadlock_is_written_again(offline, post, work):
    """A journal locks the run, then its line; somebody locks them the other way round."""
    offline({"turns": [say("Done.")]})
    run = post("clerk")
    asked = threading.Event()

    def lock_in_the_wrong_order():
        with transaction.atomic():
            QueueLane.objects.select_for_update().get(pk=run.queue_lane_id)
            asked.set()
            wait_until_blocked()
            Run.objects.select_for_update().get(pk=run.pk)
        connection.close()

    from runs.engine import finish_claim as module

    other = threading.Thread(target=lock_in_the_wrong_order)
    real = module.fault_point

    def meet(name):
        other.start()
        asked.wait(10)
        real(name)

    module.fault_point = meet
    try:
        work()
    finally:
        module.fault_point = real
        other.join(20)

    run.refresh_from_db()
    assert (run.status, run.attempts, run.events.filter(kind="run.completed").count()) == ("completed", 0, 1)


def wait_until_blocked():
    """Until some transaction of this database waits for a lock."""
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
