"""Runs that wait longer than a slot may give it back, say until when, and go on in turn as the limit has room."""

import pytest

from runs import clock
from runs.engine.limits.rules import forget_rules
from runs.engine.outcomes import Completed, RateLimitReached
from runs.invariants.every import breaches
from runs.maintenance.reconcile import reconcile
from runs.maintenance.release_held import release_held
from runs.maintenance.release_rate_limited import release_rate_limited
from runs.models import CircuitBreaker, ModelCall, Pause, QueueLane, Run, RunEvent
from runs.operations.accounts import make_member, make_tenant
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import RunRequest, post_run
from tests.runs.engine.rate_limits.limited import MODEL, SCRIPT, reason

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_fits_the_limit_is_asked_and_the_next_run_gives_its_slot_back(offline, post, work, rate_limit):
    model = offline(SCRIPT)
    rate_limit(requests_per_minute=12)  # one is there, one more comes in five seconds
    runs = [post("clerk") for _ in range(3)]

    outcomes = work()

    assert [type(one) for one in outcomes] == [Completed, RateLimitReached, RateLimitReached]
    assert len(model.requests) == 1 and ModelCall.objects.count() == 1, "no intent, no reserve"
    held = Run.objects.get(pk=runs[1].pk)
    assert (held.status, held.attempts, held.circuit_breaker.model) == ("queued", 0, MODEL)
    assert QueueLane.objects.get().queued == 0 and work() == [], "no claim takes them"
    assert release_held() == 0, "a closed circuit does not hurry them"
    assert not list(breaches())


def test_a_held_run_says_which_limit_is_used_up_and_until_when(offline, post, work, rate_limit):
    offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    post("clerk")
    first, second = post("clerk"), post("clerk")
    work()

    (one,), (other,) = reason(first), reason(second)

    assert one.code == other.code == "rate"
    assert one.message == "12 requests a minute of anthropic claude-sonnet-5 are used up"
    assert 3 < (one.until - clock.now()).total_seconds() <= 5
    assert 8 < (other.until - clock.now()).total_seconds() <= 10, "behind the first"
    told = RunEvent.objects.get(run=first, kind="run.held_back").data
    assert told["until"] == one.until.isoformat() and set(told) == {"circuit", "rate_limit", "until"}


def test_the_sweep_lets_go_on_as_many_as_fit_and_no_more(still, offline, post, work, rate_limit):
    model = offline(SCRIPT)
    rate_limit(requests_per_minute=20)  # one comes in three seconds
    for _ in range(9):
        post("clerk")
    work()
    before = len(model.requests)
    clock.advance(5)

    assert release_rate_limited() == 2, "one that is there, and one that is there before a slot would wait too long"

    assert release_rate_limited() == 0, "those who were let go are counted, though they have not asked yet"
    assert work() == [Completed("Done.")] * 2 and len(model.requests) == before + 2


def test_in_the_end_all_are_answered_and_none_has_used_up_a_try(offline, post, work, rate_limit):
    model = offline(SCRIPT)
    rate_limit(requests_per_minute=60)
    runs = [post("clerk") for _ in range(12)]
    work()

    for _ in range(20):
        clock.advance(3)
        reconcile()
        work()

    assert len(model.requests) == len(runs)
    assert set(Run.objects.values_list("status", "attempts", "circuit_breaker", "rate_need")) == {
        ("completed", 0, None, None)
    }
    assert not list(breaches())


def test_tenants_go_on_in_turn_whoever_has_posted_more(offline, work, rate_limit):
    offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    for slug, count in (("flood", 9), ("drop", 2)):
        tenant = make_tenant(slug)
        user = make_member(tenant, None)
        for _ in range(count):
            request = RunRequest(job_type="clerk", input={"text": "hello"})
            post_run(request, tenant=tenant, user=user, origin="test")
    work()

    went_on = []
    for _ in range(4):
        clock.advance(5)
        release_rate_limited()
        went_on += Run.objects.filter(rate_need__isnull=False, circuit_breaker=None).values_list(
            "tenant__slug", flat=True
        )
        work()

    assert went_on.count("drop") >= 1 and went_on.index("drop") <= 1, went_on


def test_a_new_run_does_not_overtake_those_who_wait(still, offline, post, work, rate_limit, max_wait):
    offline(SCRIPT)
    rate_limit(requests_per_minute=12)  # one comes in five seconds
    for _ in range(3):
        post("clerk")
    work()
    max_wait(5)
    clock.advance(1)  # and the next is so near that a slot would wait for it

    new = post("clerk")

    assert [type(one) for one in work()] == [RateLimitReached] and reason(new)[0].code == "rate"
    clock.advance(3)
    assert release_rate_limited() == 1 and work() == [Completed("Done.")]


def test_an_edit_holds_within_a_second_and_a_deleted_limit_holds_nobody(offline, post, work, rate_limit):
    offline(SCRIPT)
    row = rate_limit(requests_per_minute=12)
    for _ in range(4):
        post("clerk")
    work()

    row.delete()
    clock.advance(1.1)
    assert release_rate_limited() == 3

    assert work() == [Completed("Done.")] * 3


def test_a_held_run_is_cancelled_at_once(offline, post, work, rate_limit, user):
    offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    post("clerk")
    held = post("clerk")
    work()

    cancel_run(Run.objects.get(pk=held.pk), user=user)

    held.refresh_from_db()
    assert (held.status, held.circuit_breaker, held.rate_need) == ("cancelled", None, None)
    assert not list(breaches())


def test_a_run_held_by_a_limit_waits_for_an_open_circuit_too(offline, post, work, rate_limit):
    offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    post("clerk")
    held = post("clerk")
    work()
    CircuitBreaker.objects.update(
        open_reason="rate", opened_at=clock.now(), open_until=clock.in_seconds(300), reason="429"
    )

    clock.advance(60)

    assert release_rate_limited() == 0 and release_held() == 0
    assert [one.code for one in reason(held)] == ["rate", "rate"]
    clock.advance(300)
    assert release_held() == 1, "as the probe"
    assert work() == [Completed("Done.")]


def test_a_paused_tenant_takes_no_turn_of_the_others(offline, post, work, rate_limit, tenant, user):
    offline(SCRIPT)
    rate_limit(requests_per_minute=12)
    for _ in range(3):
        post("clerk")
    work()
    other = make_tenant("other")
    request = RunRequest(job_type="clerk", input={"text": "hello"})
    mine, _ = post_run(request, tenant=other, user=make_member(other, None), origin="test")
    work()
    Pause.objects.create(tenant=tenant, paused_by=user, paused_at=clock.now(), reason="a flood")
    forget_rules()
    clock.advance(5)

    assert release_rate_limited() == 1

    mine.refresh_from_db()
    assert mine.circuit_breaker is None and work() == [Completed("Done.")]
