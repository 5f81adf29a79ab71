"""Who keeps the paces: Redis, the database while it is away, and never both for longer than a second."""

import math
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest
from redis import Redis

from agentops.embedded.valkey import ensure_valkey
from runs import clock
from runs.engine.pacing import change_over
from runs.engine.pacing.rows import forget_paces, paces_for
from runs.models import Pace, PaceBucket, PaceKeeper
from runs.queue.pace_keeper import InRedis
from tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ONE = (1.0, 0.0, 0.0)
NOBODY = "redis://127.0.0.1:1/0"


class Switched:
    """A Redis that can be unplugged."""

    def __init__(self, server):
        self.server, self.away = server, Redis.from_url(NOBODY)
        self.is_there = True

    def __getattr__(self, name):
        return getattr(self.server if self.is_there else self.away, name)


@pytest.fixture
def server():
    folder = Path(tempfile.mkdtemp(prefix="vk-"))
    yield Redis.from_url(f"unix://{ensure_valkey(folder)}?socket_timeout=1")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis(server):
    switched = Switched(server)
    former = change_over.keep_with(InRedis(switched))
    Pace.objects.create(model_class="claude-sonnet-5", requests_per_minute=60, ramp_s=0)
    forget_paces()
    yield switched
    change_over.keep_with(former)


def take(patience_s=0.0):
    verdict, _ = change_over.take(paces_for("claude-sonnet-5-5"), ONE, patience_s=patience_s)
    return verdict.wait_s


def epoch():
    return PaceKeeper.objects.get(pk=1).epoch


def test_while_redis_is_away_the_database_keeps_them_and_begins_with_less_than_nothing(redis):
    take()
    clock.advance(60)
    assert take() == 0 and not PaceBucket.objects.exists()

    redis.is_there = False

    assert take() == pytest.approx(4.0, abs=0.1), "although Redis had four left, of which it may have promised three"
    assert epoch() == 1 and PaceBucket.objects.count() == 1


def test_when_redis_is_back_it_keeps_them_again_and_begins_with_less_than_nothing(redis):
    take()
    clock.advance(60)
    redis.is_there = False
    take()
    clock.advance(31)

    assert take() == 0, "the database goes on while nobody answers"
    assert epoch() == 1
    redis.is_there = True
    clock.advance(20)
    take()
    assert epoch() == 1, "nobody has looked yet"
    clock.advance(31)

    assert take() == pytest.approx(4.0, abs=0.1)
    assert epoch() == 2


def test_many_that_find_it_away_at_once_change_over_once(redis):
    redis.is_there = False

    at_once(8, lambda _: take())

    assert epoch() == 1


def test_what_was_taken_from_the_former_keeper_is_not_given_back_to_the_next(redis):
    paces = paces_for("claude-sonnet-5-5")
    _, taken_in = change_over.take(paces, ONE, patience_s=2)
    redis.is_there = False
    take()

    change_over.settle(taken_in, paces, (5.0, 0.0, 0.0), heard=change_over.Heard(), heeds=None)

    assert change_over.peek(paces)[0].left[0] < 1


def test_a_keeper_that_takes_over_does_not_begin_cold(redis):
    Pace.objects.update(ramp_s=30)
    forget_paces()
    take()
    clock.advance(40)
    take()

    redis.is_there = False
    take()
    clock.advance(4)

    assert take() == pytest.approx(0, abs=0.1) and take() == pytest.approx(1, abs=0.1), "at the whole rate"


def test_a_redis_that_never_answered_leaves_no_pace_warm(redis, monkeypatch):
    monkeypatch.setattr(change_over, "_taken_at", -math.inf)
    redis.is_there = False

    assert take() == pytest.approx(1.0, abs=0.1), "nothing was promised by anybody"


def test_a_pace_that_is_asked_for_long_after_a_change_begins_cold(redis):
    redis.is_there = False
    take()
    clock.advance(100)
    Pace.objects.create(model_class="claude-opus", requests_per_minute=60, ramp_s=30)
    forget_paces()

    (seen,) = change_over.peek(paces_for("claude-opus-5-5"))

    assert seen.ramp_at == pytest.approx(clock.now().timestamp(), abs=1)


def test_a_redis_that_is_silent_for_a_moment_is_asked_once_more(redis, server):
    take()
    server.execute_command("CLIENT PAUSE 1300 ALL")

    take()

    assert epoch() == 0, "a change of keepers costs more than the hiccup"


def test_a_turn_that_cannot_be_settled_does_not_change_the_keeper(redis, caplog):
    paces = paces_for("claude-sonnet-5-5")
    _, taken_in = change_over.take(paces, ONE, patience_s=2)
    redis.is_there = False

    change_over.settle(taken_in, paces, (1.0, 0.0, 0.0), heard=change_over.Heard(), heeds=None)

    assert epoch() == 0 and "not settled" in caplog.text


def test_a_redis_that_hangs_holds_up_a_call_for_two_seconds_at_most(redis, server):
    take()
    server.execute_command("CLIENT PAUSE 5000 ALL")

    began = time.monotonic()
    take()

    assert time.monotonic() - began < 4 and epoch() == 1, "not for the five seconds of its pause"


def test_a_redis_that_was_killed_is_away(redis, server):
    take()

    os.kill(server.info("server")["process_id"], signal.SIGKILL)

    assert take() == pytest.approx(4.0, abs=0.2) and epoch() == 1


@pytest.mark.parametrize("value", ["-1e15", "-inf", "nan", "nothing"])
def test_a_number_that_somebody_has_written_hands_the_paces_to_the_database_with_one_line(redis, server, caplog, value):
    take()
    server.hset(server.keys("{agentops:pace}*")[0], "l1", value)

    waits = [take(patience_s=9) for _ in range(3)]

    assert waits == [pytest.approx(4 + n, abs=0.3) for n in range(3)], "as if Redis were away"
    assert epoch() == 1 and len([line for line in caplog.messages if "kept by the database" in line]) == 1
