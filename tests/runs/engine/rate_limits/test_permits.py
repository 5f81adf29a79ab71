"""Model calls take permits: none is faster than its rate limits allow, and a longer wait gives the slot back."""

import time
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import OperationalError

from runs import clock
from runs.engine.advance import advance
from runs.engine.limits.rules import forget_rules
from runs.engine.outcomes import Cancelled, Completed, HeldBack, RateLimitReached, Released, Waiting
from runs.engine.rate_limits import permits, waiting
from runs.engine.rate_limits.active import forget_rate_limits, limits_for
from runs.engine.rate_limits.permits import acquire, look
from runs.invariants.every import breaches
from runs.maintenance import release_rate_limited as maintenance
from runs.maintenance.reconcile import reconcile
from runs.maintenance.release_held import release_held
from runs.maintenance.release_rate_limited import release_rate_limited
from runs.models import CircuitBreaker, ModelCall, Pause, QueueLane, RateLimit, Run, RunEvent
from runs.operations.accounts import make_member, make_tenant
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import RunRequest, post_run
from runs.operations.why import why
from runs.queue.claim import claim_next
from tests.at_once import at_once
from tests.runs.budgets.money import budget

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "claude-sonnet-5-5"
TEXT = {"content": [{"type": "text", "text": "Done."}]}
LOOK = {"content": [{"type": "tool_use", "name": "look_up", "input": {"key": "a"}}]}
SCRIPT = {"turns": [TEXT]}


@pytest.fixture
def rate_limit():
    """Make a rate limit whose bucket is full: a minute has passed since it was made."""

    def make(model_class="claude-sonnet-5", **limits):
        row = RateLimit.objects.create(model_class=model_class, ramp_s=0, **limits)
        forget_rate_limits()
        limits_for(MODEL)
        clock.advance(60)
        return row

    return make


@pytest.fixture
def max_wait(monkeypatch):
    """Let slots wait at most this long, while the clocks run ahead; returns the seconds that they have waited."""

    def max_wait(most_s, meanwhile=lambda: None):
        waited = []

        def sleep(seconds):
            waited.append(seconds)
            clock.advance(seconds)
            meanwhile()

        for module in (permits, maintenance):
            monkeypatch.setattr(module, "MAX_WAIT_S", most_s)
        monkeypatch.setattr(waiting, "time", SimpleNamespace(sleep=sleep))
        return waited

    return max_wait


@pytest.fixture
def still(monkeypatch):
    """Let only `clock.advance` move the clock of the buckets, however busy the machine is."""
    base = clock.now()
    monkeypatch.setattr(clock, "now", lambda: base + clock._ahead)


def left():
    """What the first limit has left of requests, input and output tokens."""
    return look(limits_for(MODEL))[0][1].left


def reason(run):
    return [one for one in why(Run.objects.get(pk=run.pk)) if one.code != "no_worker"]


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


def test_a_permit_is_settled_by_the_tokens_really_used(offline, post, work, rate_limit):
    model = offline(SCRIPT)
    rate_limit(input_tokens_per_minute=60_000, output_tokens_per_minute=12_000)
    before = left()

    post("clerk")
    work()

    usage = model.requests[0]["response"]["usage"]
    now = left()
    assert before[1] - now[1] <= usage["input_tokens"] + usage["cache_creation_input_tokens"]
    assert before[2] - now[2] <= usage["output_tokens"]


def test_a_call_that_was_refused_gives_its_tokens_back(offline, post, work, rate_limit):
    refused = {"kind": "status", "status": 400, "error_type": "invalid_request_error", "times": -1}
    offline({"turns": [TEXT | {"faults": [refused]}]})
    rate_limit(requests_per_minute=6, input_tokens_per_minute=600)

    post("clerk")
    work()

    requests, inputs, _ = left()
    assert inputs == 50 and requests < 1


@pytest.mark.parametrize("model_class", ["claude-sonnet-5", "*"])
def test_the_headers_of_an_answer_lower_the_limit(offline, post, work, rate_limit, model_class):
    offline(SCRIPT, per_minute={"requests": 30})
    rate_limit(model_class, requests_per_minute=600)

    post("clerk")
    work()

    ((limit, bucket),) = look(limits_for(MODEL))
    assert bucket.provider_limits[0] == 30 and bucket.per_second(limit.quota)[0] == 0.5


def test_the_headers_lower_the_row_of_all_models_only_where_no_narrower_one_applies(offline, post, work, rate_limit):
    offline(SCRIPT, per_minute={"requests": 30})
    rate_limit("*", requests_per_minute=600)
    rate_limit("claude", requests_per_minute=600)

    post("clerk")
    work()

    assert [bucket.provider_limits[0] for _, bucket in look(limits_for(MODEL))] == [None, 30]


def test_a_prompt_that_the_provider_has_cached_is_not_counted_again(offline, post, work, rate_limit):
    model = offline({"turns": [LOOK, LOOK, TEXT]})
    rate_limit(input_tokens_per_minute=120_000)
    text = "x" * 24_000  # 6,000 tokens; the bucket holds 10,000

    post("clerk", text)
    outcomes = work()

    assert outcomes == [Completed("Done.")] and len(model.requests) == 3
    assert model.requests[2]["response"]["usage"]["cache_read_input_tokens"] > 5_000


def test_every_limit_that_covers_the_model_holds(offline, post, work, rate_limit):
    offline(SCRIPT)
    rate_limit("*", requests_per_minute=600)
    rate_limit("claude-sonnet-5", requests_per_minute=12)
    rate_limit("claude-opus-5", requests_per_minute=1)
    post("clerk")
    held = post("clerk")

    outcomes = work()

    assert [type(one) for one in outcomes] == [Completed, RateLimitReached]
    assert "12 requests a minute of anthropic claude-sonnet-5" in reason(held)[0].message


def test_a_limit_of_another_workspace_does_not_hold(offline, post, work, settings):
    offline(SCRIPT)
    RateLimit.objects.create(model_class="*", workspace="other", requests_per_minute=1)
    for _ in range(2):
        post("clerk")

    assert work() == [Completed("Done.")] * 2

    settings.AGENTOPS = {**settings.AGENTOPS, "provider_workspace": "other"}
    forget_rate_limits()
    post("clerk")
    assert [type(one) for one in work()] == [RateLimitReached]


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
