"""Both keepers of paces, Redis by its script and the database by its rows, against the arithmetic itself."""

import math
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis import Redis

from agentops.embedded.valkey import ensure_valkey
from runs import clock
from runs.engine.pacing import bucket, in_database
from runs.engine.pacing.bucket import Bucket, Limits
from runs.engine.pacing.in_database import InDatabase, longest_wait
from runs.engine.pacing.keeper import Epoch, Heard, KeeperAwayError
from runs.engine.pacing.rows import Terms
from runs.models import Pace
from runs.queue.pace_keeper import InRedis
from tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("*", "claude-sonnet-5")
ANYONE = (None, None, None)
FIRST = Epoch(0)


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp(prefix="vk-"))
    yield Redis(unix_socket_path=str(ensure_valkey(folder)), socket_timeout=1)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["redis", "database"])
def keeper(request):
    if request.param == "database":
        return InDatabase()
    server = request.getfixturevalue("server")
    server.flushall()
    return InRedis(server)


def paces(*limits):
    rows = [Pace.objects.get_or_create(model_class=name)[0] for name in NAMES[: len(limits)]]
    return [Terms(row.pk, str(row), row.model_class, limit) for row, limit in zip(rows, limits, strict=True)]


three = st.tuples(*[st.none() | st.integers(1, 60_000)] * 3)
rests = st.tuples(*[st.none() | st.integers(0, 10_000)] * 3)
all_limits = st.builds(Limits, three, st.sampled_from([0.0, 2.0, 30.0]))
epochs = st.builds(Epoch, st.integers(0, 2**30), st.booleans())
needs = st.tuples(st.just(1.0), st.integers(0, 9_000), st.integers(0, 3_000))
heards = st.builds(Heard, three, rests, st.floats(0, 5))
doings = st.one_of(
    st.tuples(st.just("take"), needs, st.sampled_from([0.0, 2.0])),
    st.tuples(st.just("settle"), st.tuples(*[st.integers(-3_000, 3_000)] * 3), heards),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 7.0, 61.0, 301.0])),
)


def numbers(one):
    told = [-1 if limit is None else limit for limit in one.told]
    return [one.at, one.used_at, one.ramp_at, one.told_at, *one.left, *told]


class Model:
    """The same by hand, at the times at which the keeper has looked."""

    def __init__(self, terms, epoch):
        self.terms, self.epoch, self.buckets = terms, epoch, None

    def bring_to(self, seen):
        now = seen[0].at
        self.buckets = self.buckets or [self.begin(now, pace.limits) for pace in self.terms]
        for one, pace in zip(self.buckets, self.terms, strict=True):
            bucket.refill(one, pace.limits, now)

    def begin(self, now, limits):
        return bucket.taken_over(now, limits) if self.epoch.takes_over else bucket.empty(now)

    def take(self, verdict, need, patience_s):
        expected = longest_wait(self.buckets, self.terms, need)
        assert verdict.wait_s == pytest.approx(expected.wait_s, rel=1e-6, abs=1e-4)
        if expected.wait_s:
            assert (verdict.pace, verdict.dimension) == (expected.pace, expected.dimension)
        if expected.wait_s <= patience_s:
            for one in self.buckets:
                bucket.take(one, need)

    def settle(self, back, heard):
        for one, pace in zip(self.buckets, self.terms, strict=True):
            bucket.settle(one, pace.limits, back)
        limits = self.terms[-1].limits
        bucket.heed(self.buckets[-1], limits, told=heard.told, remaining=heard.remaining, age_s=heard.age_s)

    def agrees_with(self, seen):
        for one, other in zip(self.buckets, seen, strict=True):
            assert numbers(other) == pytest.approx(numbers(one), rel=1e-6, abs=1e-4)


@hypothesis_settings(max_examples=40)
@given(st.lists(all_limits, min_size=1, max_size=2), st.lists(doings, max_size=12), epochs)
def test_redis_keeps_what_the_arithmetic_says(server, limits, doings_, epoch):
    server.flushall()
    follow(InRedis(Frozen(server)), limits, doings_, epoch)


@hypothesis_settings(max_examples=25)
@given(st.lists(all_limits, min_size=1, max_size=2), st.lists(doings, max_size=12), epochs)
def test_the_database_keeps_what_the_arithmetic_says(limits, doings_, epoch):
    Pace.objects.all().delete()
    with pytest.MonkeyPatch.context() as patch:
        base = clock.now()
        patch.setattr(in_database.clock, "now", lambda: base + clock._ahead)
        follow(InDatabase(), limits, doings_, epoch)


class Frozen:
    """A Redis whose clock stands still unless told: TIME is replaced in the script."""

    def __init__(self, server):
        self.server = server

    def register_script(self, text):
        return self.server.register_script(text.replace("redis.call('TIME')", "{'1700000000', '0'}"))


def follow(keeper, limits, doings_, epoch):
    """Do everything to both, and compare after each."""
    clock.reset()
    terms = paces(*limits)
    model = Model(terms, epoch)
    model.bring_to(keeper.peek(epoch, terms))
    for kind, *what in doings_:
        if kind == "pass":
            clock.advance(*what)
        elif kind == "take":
            verdict = keeper.take(epoch, terms, what[0], patience_s=what[1])
            model.bring_to(keeper.peek(epoch, terms))
            model.take(verdict, *what)
        else:
            model.bring_to(keeper.peek(epoch, terms))
            keeper.settle(epoch, terms, what[0], heard=what[1], heeds=len(terms) - 1)
            model.settle(*what)
        seen = keeper.peek(epoch, terms)
        model.bring_to(seen)
        model.agrees_with(seen)
    clock.reset()


def test_a_need_is_taken_from_all_paces_or_from_none(keeper):
    terms = paces(Limits((60, None, None)), Limits((None, 60, None)))
    keeper.peek(FIRST, terms)
    clock.advance(100)

    assert keeper.take(FIRST, terms, (1, 5, 0), patience_s=0).wait_s == 0
    before = keeper.peek(FIRST, terms)
    refused = keeper.take(FIRST, terms, (1, 4, 0), patience_s=2)

    assert (refused.pace, refused.dimension) == (1, 1) and 3 < refused.wait_s <= 4
    after = keeper.peek(FIRST, terms)
    assert after[0].left[0] >= before[0].left[0] and after[1].left[1] >= before[1].left[1]


def test_a_need_within_the_patience_is_taken_in_advance_and_the_next_waits_behind_it(keeper):
    terms = paces(Limits((60, None, None)))
    keeper.peek(FIRST, terms)

    waits = [keeper.take(FIRST, terms, (1, 0, 0), patience_s=2).wait_s for _ in range(3)]

    assert waits == [pytest.approx(1, abs=0.3), pytest.approx(2, abs=0.3), pytest.approx(3, abs=0.3)]


def test_many_at_once_get_no_more_than_there_is(keeper):
    terms = paces(Limits((60, None, None)))
    keeper.peek(FIRST, terms)
    clock.advance(100)

    verdicts = at_once(12, lambda _: keeper.take(FIRST, terms, (1, 0, 0), patience_s=0))

    assert sum(verdict.wait_s == 0 for verdict in verdicts) in (5, 6), "six, if they took a second"


def test_another_epoch_begins_with_nothing(keeper):
    terms = paces(Limits((60, None, None)))
    keeper.peek(FIRST, terms)
    clock.advance(100)
    assert keeper.peek(FIRST, terms)[0].left[0] == 5

    assert keeper.peek(Epoch(2), terms)[0].left[0] == 0


def test_an_epoch_that_takes_over_is_warm_and_owes_what_the_former_has_promised(keeper):
    terms = paces(Limits((60, None, None), ramp_s=30))

    waits = [keeper.take(Epoch(1, takes_over=True), terms, (1, 0, 0), patience_s=9).wait_s for _ in range(2)]

    assert waits == [pytest.approx(4, abs=0.3), pytest.approx(5, abs=0.3)], "three seconds late, then at the whole rate"


def test_a_redis_that_is_away_says_so():
    away = InRedis(Redis(port=1))

    with pytest.raises(KeeperAwayError):
        away.peek(FIRST, paces(Limits((60, None, None))))
    with pytest.raises(KeeperAwayError):
        away.ping()


def test_what_redis_says_is_read_as_a_bucket(server):
    server.flushall()
    keeper, terms = InRedis(server), paces(Limits((60, 1000, None)))
    keeper.settle(FIRST, terms, (0, 0, 0), heard=Heard((30, None, None), ANYONE, 0), heeds=0)

    (seen,) = keeper.peek(FIRST, terms)

    assert isinstance(seen, Bucket) and seen.told == [30, None, None] and seen.told_at > 0


def test_a_redis_that_has_forgotten_the_script_is_told_it_again(server):
    keeper, terms = InRedis(server), paces(Limits((60, None, None)))
    keeper.peek(FIRST, terms)

    server.script_flush()

    assert keeper.take(FIRST, terms, (1, 0, 0), patience_s=2).wait_s > 0


TAMPERED = ["-1e15", "1e15", "-inf", "inf", "nan", "-nan", "9" * 400, "1e400", "x", "", "0x", b"\xff\x00", "{}"]
FIELDS = ("at", "used", "ramp", "told_at", "l1", "l2", "l3", "t1", "t2", "t3")


def stored(server):
    return server.keys("{agentops:pace}*")[0]


@pytest.mark.parametrize("field", FIELDS)
def test_a_number_that_somebody_has_written_into_redis_is_bounded_or_ignored(server, field):
    keeper, terms = InRedis(server), paces(Limits((60, 1000, 1000)))
    asks = (
        lambda: keeper.take(FIRST, terms, (1, 1, 1), patience_s=2).wait_s,
        lambda: keeper.peek(FIRST, terms)[0].at,
        lambda: keeper.settle(FIRST, terms, (0, 0, 0), heard=Heard(), heeds=0) or 0.0,
    )
    for value in TAMPERED:
        server.flushall()
        keeper.peek(FIRST, terms)
        server.hset(stored(server), field, value)

        for ask in asks:
            with suppress(KeeperAwayError):
                number = ask()
                assert math.isfinite(number) and number <= 1e12, (value, number)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda server, key: server.hdel(key, "l2"),
        lambda server, key: server.hdel(key, "at"),
        lambda server, key: server.delete(key) and server.set(key, "x"),
        lambda server, key: server.delete(key) and server.rpush(key, 1),
        lambda server, key: server.hset(key, "l1", "-1e11"),  # a number, but thousands of years
        lambda server, key: server.hset(key, "at", "9e9"),  # a bucket of the future never fills
    ],
    ids=["missing", "missing time", "a text", "a list", "a debt of ages", "the future"],
)
def test_a_bucket_that_cannot_be_is_the_databases_to_keep(server, tamper):
    server.flushall()
    keeper, terms = InRedis(server), paces(Limits((60, 1000, None)))
    keeper.peek(FIRST, terms)
    tamper(server, stored(server))

    with pytest.raises(KeeperAwayError):
        keeper.take(FIRST, terms, (1, 1, 0), patience_s=2)
