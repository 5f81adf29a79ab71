"""The buckets in the database, under their locks, against the arithmetic itself and against many threads."""

import time
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from runs import clock
from runs.engine.rate_limits import bucket, settle
from runs.engine.rate_limits.active import active_limits, forget_rate_limits
from runs.engine.rate_limits.bucket import Quota
from runs.engine.rate_limits.estimate import Estimate
from runs.engine.rate_limits.headers import ProviderHeaders, apply_headers
from runs.engine.rate_limits.permits import Permit, acquire, longest_wait, look
from runs.engine.rate_limits.settle import settle_permit
from runs.models import RateLimit, RateLimitBucket
from tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "claude-sonnet-5-5"
NAMES = ("*", "claude-sonnet-5")
ONE = (1.0, 0.0, 0.0)


def rate_limits(*quotas):
    """Make a row for each quota, empty now."""
    RateLimit.objects.all().delete()
    for name, quota in zip(NAMES, quotas, strict=False):
        requests, inputs, outputs = quota.per_minute
        RateLimit.objects.create(
            model_class=name,
            requests_per_minute=requests,
            input_tokens_per_minute=inputs,
            output_tokens_per_minute=outputs,
            ramp_s=quota.ramp_s,
        )
    forget_rate_limits()
    return active_limits().limits


three = st.tuples(*[st.none() | st.integers(1, 60_000)] * 3)
rests = st.tuples(*[st.none() | st.integers(0, 10_000)] * 3)
all_quotas = st.builds(Quota, three, st.sampled_from([0.0, 2.0, 30.0]))
amounts = st.tuples(st.just(1.0), st.integers(0, 9_000), st.integers(0, 3_000))
all_headers = st.builds(ProviderHeaders, three, rests, st.floats(0, 5))
doings = st.one_of(
    st.tuples(st.just("acquire"), amounts, st.sampled_from([0.0, 2.0])),
    st.tuples(st.just("settle"), st.tuples(*[st.integers(-3_000, 3_000)] * 3), all_headers),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 7.0, 61.0, 301.0])),
)


class Model:
    """The same by hand."""

    def __init__(self, limits, now):
        self.limits, self.buckets = limits, [bucket.empty(now) for _ in limits]

    def refilled(self, now):
        for one, limit in zip(self.buckets, self.limits, strict=True):
            bucket.refill(one, limit.quota, now)
        return list(zip(self.limits, self.buckets, strict=True))

    def acquire(self, now, asked, max_wait_s):
        expected = longest_wait(self.refilled(now), asked)
        if expected.wait_s <= max_wait_s:
            for one in self.buckets:
                bucket.take(one, asked)
        return expected

    def settle(self, now, unused, headers):
        for limit, one in self.refilled(now):
            bucket.give_back(one, limit.quota, unused)
        apply_headers(self.buckets[-1], self.limits[-1].quota, headers)


@hypothesis_settings(max_examples=40)
@given(st.lists(all_quotas, min_size=1, max_size=2), st.lists(doings, max_size=12))
def test_the_database_keeps_what_the_arithmetic_says(quotas, doings_):
    clock.reset()
    base = clock.now()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: base + clock._ahead)
        limits = rate_limits(*quotas)
        model = Model(limits, clock.now().timestamp())
        for kind, *what in doings_:
            now = clock.now().timestamp()
            if kind == "pass":
                clock.advance(*what)
            elif kind == "acquire":
                assert acquire(limits, what[0], max_wait_s=what[1]) == model.acquire(now, *what)
            else:
                unused, headers = what
                permit = Permit(MODEL, limits, Estimate(0, 0), max_wait_s=0, is_taken=True)
                patch.setattr(settle, "_unused", lambda *_, unused=unused: unused)
                patch.setattr(settle, "_headers_of", lambda *_, headers=headers: headers)
                settle_permit(permit, None)
                model.settle(now, unused, headers)
            assert look(limits) == deepcopy(model).refilled(clock.now().timestamp())
    clock.reset()


def test_amounts_are_taken_from_all_limits_or_from_none():
    limits = rate_limits(Quota((60, None, None)), Quota((None, 60, None)))
    clock.advance(100)

    assert acquire(limits, (1, 5, 0), max_wait_s=0).wait_s == 0
    before = look(limits)
    refused = acquire(limits, (1, 4, 0), max_wait_s=2)

    assert (refused.limit, refused.dimension) == (limits[1], 1) and 3 < refused.wait_s <= 4
    after = look(limits)
    assert after[0][1].left[0] >= before[0][1].left[0] and after[1][1].left[1] >= before[1][1].left[1]


def test_a_permit_within_the_wait_is_taken_ahead_and_the_next_waits_behind_it():
    limits = rate_limits(Quota((60, None, None)))

    waits = [acquire(limits, ONE, max_wait_s=2).wait_s for _ in range(3)]

    assert waits == [pytest.approx(1, abs=0.3), pytest.approx(2, abs=0.3), pytest.approx(3, abs=0.3)]


def test_many_threads_at_once_get_no_more_than_there_is():
    limits = rate_limits(Quota((60, None, None)))
    clock.advance(100)

    began = time.monotonic()
    results = at_once(16, lambda _: acquire(limits, ONE, max_wait_s=0))
    took_s = time.monotonic() - began

    passed = sum(result.wait_s == 0 for result in results)
    assert 5 <= passed <= 5 + took_s


def test_in_no_window_do_many_threads_pass_more_than_the_quota():
    limits = rate_limits(Quota((600, None, None)))  # ten a second, the bucket holds fifty

    def ask(_):
        passed, ends_at = [], time.monotonic() + 2
        while time.monotonic() < ends_at:
            result = acquire(limits, ONE, max_wait_s=0.5)
            if result.wait_s <= 0.5:
                passed.append(time.monotonic() + result.wait_s)
        return passed

    went_at = sorted(at for passed in at_once(8, ask) for at in passed)

    assert len(went_at) >= 20
    waits_s = 0.5  # between the moment by the database's clock and the one by ours
    for first, begin in enumerate(went_at):
        for last in range(first, len(went_at)):
            assert last - first + 1 <= 10 * (went_at[last] - begin + waits_s) + 1


def test_a_limit_that_was_deleted_a_moment_ago_holds_nobody():
    limits = rate_limits(Quota((1, None, None)))

    RateLimit.objects.all().delete()

    assert acquire(limits, ONE, max_wait_s=0).wait_s == 0 and look(limits) == []


def test_a_bucket_is_made_once_for_each_limit_and_begins_empty():
    (limit,) = rate_limits(Quota((60, None, None)))
    clock.advance(1)
    forget_rate_limits()

    at_once(4, lambda _: forget_rate_limits() or active_limits())

    assert RateLimitBucket.objects.get().rate_limit_id == limit.pk
    assert look([limit])[0][1].left[0] == pytest.approx(1, abs=0.5)
