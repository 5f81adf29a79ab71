"""The arithmetic of a rate limit, alone: what it lets pass, when, and never more than it allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.engine.rate_limits import bucket
from runs.engine.rate_limits.bucket import Bucket, Quota
from runs.engine.rate_limits.headers import ProviderHeaders, apply_headers

SIXTY = Quota((60, None, None))  # one request a second
ONE = (1.0, 0.0, 0.0)

amounts = st.tuples(st.just(1.0), st.floats(0, 20_000), st.floats(0, 5_000))
quotas = st.builds(
    Quota,
    st.tuples(*[st.none() | st.integers(1, 100_000)] * 3),
    st.sampled_from([0.0, 1.0, 30.0, 60.0]),
)


def at(one: Bucket, now: float, limit: Quota = SIXTY) -> Bucket:
    bucket.refill(one, limit, now)
    return one


def full(now: float = 1000.0, limit: Quota = SIXTY) -> Bucket:
    return at(bucket.empty(now - 1000), now, limit)


def test_a_new_bucket_is_empty_since_others_may_have_used_it_all():
    assert bucket.wait_s(bucket.empty(0.0), SIXTY, ONE)[0] == pytest.approx(1.0)


def test_a_full_bucket_holds_five_seconds_worth_and_then_one_a_second():
    one, waits = full(), []

    for _ in range(8):
        waits.append(round(bucket.wait_s(one, SIXTY, ONE)[0], 6))
        bucket.take(one, ONE)

    assert waits == [0, 0, 0, 0, 0, 1, 2, 3]


def test_what_is_greater_than_the_bucket_passes_when_that_is_full_and_is_paid_afterwards():
    limit = Quota((None, 6000, None))  # 100 a second, the bucket holds 500
    one = full(limit=limit)

    assert bucket.wait_s(one, limit, (1, 2000, 0))[0] == 0
    bucket.take(one, (1, 2000, 0))

    assert bucket.wait_s(one, limit, (1, 100, 0)) == (pytest.approx(16.0), 1)


def test_after_a_minute_without_calls_the_rate_grows_from_a_tenth_to_the_whole():
    limit = Quota((60, None, None), ramp_s=60)
    one = full(limit=limit)

    assert bucket.wait_s(one, limit, ONE)[0] == 0, "the first one passes at once"
    bucket.take(one, ONE)
    cold = bucket.wait_s(one, limit, ONE)[0]
    assert 6 < cold < 10, "at a tenth it would be ten seconds, and the rate grows meanwhile"
    assert at(one, 1060.0, limit).warmth(limit) == 1.0
    bucket.take(one, (20, 0, 0))
    assert bucket.wait_s(one, limit, ONE)[0] == pytest.approx(16.0, abs=0.01)


def test_a_debt_is_not_forgiven_by_a_long_silence():
    limit = Quota((None, 60, None), ramp_s=30)
    one = full(limit=limit)
    bucket.take(one, (1, 300, 0))

    left = at(one, 1100.0, limit).left[1]

    assert left < -150


def test_headers_lower_a_limit_for_five_minutes_and_never_raise_it():
    one = full()
    apply_headers(one, SIXTY, ProviderHeaders((30, None, None), (0, None, None), 0))
    assert bucket.wait_s(one, SIXTY, ONE)[0] == pytest.approx(2.0)
    assert at(one, 1000.0 + bucket.HEADERS_HOLD_S).per_second(SIXTY)[0] == 1.0

    apply_headers(one, SIXTY, ProviderHeaders((6000, None, None), (5999, None, None), 0))
    assert one.per_second(SIXTY)[0] == 1.0 and one.left[0] <= 5


def test_what_headers_said_a_while_ago_has_grown_meanwhile():
    one = full()

    apply_headers(one, SIXTY, ProviderHeaders((None, None, None), (0, None, None), 3))

    assert one.left[0] == 3


@given(quotas, st.lists(st.tuples(st.floats(0, 90), amounts), max_size=60))
def test_in_no_stretch_of_time_more_is_taken_than_rate_and_bucket_allow(limit, asked):
    """A caller waits as long as it is told to, so what counts is when it goes: never more than the row allows."""
    one, now, gone = bucket.empty(0.0), 0.0, []
    for pause, need in asked:
        now += pause
        at(one, now, limit)
        wait, _ = bucket.wait_s(one, limit, need)
        if wait <= 2:
            bucket.take(one, need)
            gone.append((now + wait, need))

    for i, per_minute in enumerate(limit.per_minute):
        if per_minute is None:
            continue
        room = max(bucket.MIN_CAPACITY[i], per_minute / 60 * bucket.BURST_S)
        for start, (begin, _) in enumerate(gone):
            for end, _ in gone[start:]:
                taken = sum(n[i] for at_, n in gone if begin <= at_ <= end)
                largest = max(n[i] for _, n in gone)
                allowed = room + per_minute / 60 * (end - begin) + max(0.0, largest - room) + 1e-6
                assert taken <= allowed * (1 + 1e-9)


@given(st.floats(0, 500), st.sampled_from([0.0, 0.5, 30.0, 600.0]))
def test_the_time_in_which_a_ramp_fills_is_the_reverse_of_what_it_fills(seconds, ramp_s):
    assert bucket._time_of(bucket._filled_s(seconds, ramp_s), ramp_s) == pytest.approx(seconds, abs=1e-6)
