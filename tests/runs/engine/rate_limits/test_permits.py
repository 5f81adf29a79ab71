"""Permits are taken with the intent, or after a short wait in the slot; a refused intent takes none."""

import time
from uuid import uuid4

import pytest
from django.db import OperationalError

from runs import clock
from runs.engine.advance import advance
from runs.engine.outcomes import Cancelled, Completed, HeldBack, RateLimitReached, Released, Waiting
from runs.engine.rate_limits import permits, waiting
from runs.engine.rate_limits.active import limits_for
from runs.engine.rate_limits.permits import acquire
from runs.invariants.every import breaches
from runs.models import CircuitBreaker, ModelCall, Run
from runs.queue.claim import claim_next
from tests.at_once import at_once
from tests.runs.budgets.money import budget
from tests.runs.engine.rate_limits.limited import LOOK, MODEL, SCRIPT, TEXT, left

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_short_wait_is_waited_for_in_the_slot(offline, post, work, rate_limit, max_wait):
    model = offline(SCRIPT)
    rate_limit(requests_per_minute=12)  # one is there, one more comes in five seconds
    waited = max_wait(6)
    for _ in range(2):
        post("clerk")

    outcomes = work()

    assert outcomes == [Completed("Done.")] * 2 and len(model.requests) == 2
    assert 0 < sum(waited) <= 5


def test_where_there_is_room_the_intent_takes_the_permit_itself(offline, post, work, rate_limit, monkeypatch):
    offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    monkeypatch.setattr(waiting, "acquire", None)
    before = left()[0]
    post("clerk")

    assert work() == [Completed("Done.")]

    assert left()[0] < before


def test_an_intent_that_is_written_again_takes_its_permit_once(offline, post, work, rate_limit, monkeypatch):
    offline(SCRIPT)
    rate_limit(requests_per_minute=60)
    take, breaks = permits.Permit.take, [True]

    def take_and_break(permit):
        take(permit)
        if breaks.pop() if breaks else False:
            raise OperationalError("the connection broke")

    monkeypatch.setattr(permits.Permit, "take", take_and_break)
    post("clerk")

    assert work() == [Completed("Done.")] and not breaks
    assert left()[0] >= 4, "of five"


def cancel():
    Run.objects.update(cancel_requested_at=clock.Now())


def open_the_circuit():
    until = clock.in_seconds(300)
    CircuitBreaker.objects.create(
        provider="anthropic", model=MODEL, open_reason="circuit", opened_at=clock.now(), open_until=until
    )


def fill_the_budget():
    budget("0.0000001")


REFUSALS = pytest.mark.parametrize(
    ("refuse", "outcome"), [(cancel, Cancelled), (open_the_circuit, HeldBack), (fill_the_budget, Waiting)]
)


@REFUSALS
def test_an_intent_that_is_refused_takes_no_permit(offline, post, rate_limit, refuse, outcome):
    model = offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    post("clerk")
    run, lease = claim_next(["agents"], worker_id=uuid4(), worker_name="test")
    refuse()

    assert isinstance(advance(run, lease), outcome)

    assert left()[0] == 1 and not model.requests
    assert not list(breaches())


@REFUSALS
def test_an_intent_that_is_refused_after_a_wait_gives_its_permit_back(
    offline, post, work, rate_limit, max_wait, refuse, outcome
):
    model = offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    acquire(limits_for(MODEL), (1.0, 0.0, 0.0), max_wait_s=0)
    done = []
    max_wait(6, lambda: done or done.append(refuse()))
    post("clerk")
    run, lease = claim_next(["agents"], worker_id=uuid4(), worker_name="test")

    assert isinstance(advance(run, lease), outcome) and done

    assert left()[0] == pytest.approx(1, abs=0.05) and not model.requests


def test_a_probe_that_waits_for_its_permit_opens_its_gate(offline, post, work, rate_limit, max_wait):
    offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    acquire(limits_for(MODEL), (1.0, 0.0, 0.0), max_wait_s=0)
    now = clock.now()
    CircuitBreaker.objects.create(
        provider="anthropic", model=MODEL, open_reason="circuit", opened_at=now, open_until=now
    )
    max_wait(6)
    post("clerk")

    assert work() == [Completed("Done.")]

    assert CircuitBreaker.objects.get().open_until is None


def test_many_runs_in_threads_at_once_never_send_more_than_the_limit_allows(offline, post, rate_limit):
    model = offline(SCRIPT)
    rate_limit(requests_per_minute=60)  # five are there, and one more a second
    for _ in range(12):
        post("clerk")
    claims = [claim_next(["agents"], worker_id=uuid4(), worker_name="test") for _ in range(12)]

    began = time.time()
    outcomes = at_once(12, lambda number: advance(*claims[number]))

    assert {type(one) for one in outcomes} == {Completed, RateLimitReached}
    went_at = sorted(request["at"] for request in model.requests)
    assert len(went_at) == ModelCall.objects.count() == outcomes.count(Completed("Done."))
    assert 5 <= len(went_at) <= 5.5 + went_at[-1] - began
    assert not list(breaches())


def test_what_was_done_before_is_written_before_a_wait(offline, post, work, rate_limit, max_wait):
    offline({"turns": [LOOK, TEXT]})
    rate_limit(requests_per_minute=12)
    post("clerk")
    seen = []
    max_wait(6, lambda: seen.append(Run.objects.get().steps.get(kind="tool_call").status))

    work()

    assert set(seen) == {"completed"}


def test_a_run_that_waits_in_its_slot_is_given_back_when_the_worker_stops(offline, post, rate_limit):
    offline(SCRIPT)
    rate_limit(requests_per_minute=60)
    acquire(limits_for(MODEL), (5.0, 0.0, 0.0), max_wait_s=0)
    post("clerk")

    run, lease = claim_next(["agents"], worker_id=uuid4(), worker_name="test")
    lease.release.set()
    before = left()[0]

    assert isinstance(advance(run, lease), Released)

    assert left()[0] >= before, "nothing was used"
    assert Run.objects.get().status == "queued" and not ModelCall.objects.exists()
