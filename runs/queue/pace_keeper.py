"""Redis as the keeper of paces: one script takes from all buckets or from none, in a tenth of a millisecond."""

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import django_rq
from redis import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as SilenceError

from runs import clock
from runs.engine.pacing import bucket
from runs.engine.pacing.bucket import Bucket, Limits
from runs.engine.pacing.keeper import Epoch, Heard, KeeperAwayError, Verdict
from runs.engine.pacing.rows import Terms
from runs.queue.bucket_script import SCRIPT
from runs.queue.doorbell import prepare

_CONSTANTS = {
    "burst": bucket.BURST_S,
    "idle": bucket.IDLE_S,
    "cold": bucket.COLD,
    "owed": bucket.OWED_S,
    "told_for": bucket.TOLD_FOR_S,
    "least": bucket.LEAST,
    "forget": 30 * 24 * 3600,
    "most": 1e12,  # no number of a bucket is greater, be it a moment or an amount
    "skew": 60,  # seconds by which Redis's clock may have been set back
}
_NONE = -1
_LONGEST_S = 365 * 24 * 3600.0  # no pace lets anybody wait for so long


class InRedis:
    """Keeps the buckets of an epoch as hashes. As `Keeper`; Redis has twice a second to answer (`socket_timeout`)."""

    def __init__(self, connection: Redis | None = None) -> None:
        self._given = connection

    def take(self, epoch: Epoch, paces: Sequence[Terms], need: Sequence[float], *, patience_s: float) -> Verdict:
        """Take from all buckets if the wait is within the patience, or else from none."""
        told = self._ask("take", epoch, paces, need=list(need), patience=patience_s)
        wait_s, pace, dimension = _finite(told)
        if not 0 <= wait_s <= _LONGEST_S:
            raise KeeperAwayError(f"Redis says that a call must wait for {wait_s:g} s")
        return Verdict(wait_s, max(0, int(pace) - 1), int(dimension) - 1)

    def settle(
        self, epoch: Epoch, paces: Sequence[Terms], back: Sequence[float], *, heard: Heard, heeds: int | None
    ) -> None:
        """Give back what was not used; the pace at this place heeds the headers."""
        self._ask(
            "settle",
            epoch,
            paces,
            back=list(back),
            heeds=0 if heeds is None else heeds + 1,
            told=_numbers(heard.told),
            remaining=_numbers(heard.remaining),
            age=heard.age_s,
        )

    def peek(self, epoch: Epoch, paces: Sequence[Terms]) -> list[Bucket]:
        """Look at the buckets as they are now."""
        return [_bucket(told) for told in self._ask("peek", epoch, paces)]

    def ping(self) -> None:
        """Answer. Raises: KeeperAwayError."""
        try:
            self._connection().ping()
        except (RedisError, OSError) as error:
            raise KeeperAwayError(str(error)) from error

    def _ask(self, verb: str, epoch: Epoch, paces: Sequence[Terms], **more: Any) -> Any:
        limits = [_limits(pace.limits) for pace in paces]
        begin = {"ahead": clock.ahead_s(), "takes_over": epoch.takes_over, "constants": _CONSTANTS}
        asked = json.dumps({"verb": verb, "limits": limits, **begin, **more})
        keys = [_key(epoch.number, pace) for pace in paces]
        try:
            script = self._connection().register_script(SCRIPT)  # EVALSHA, and the text once if it is unknown
            try:
                return script(keys=keys, args=[asked])
            except SilenceError:
                if verb == "settle":
                    raise  # nothing may be given back twice; what is taken twice fills up again
                return script(keys=keys, args=[asked])  # a hiccup: a change of keepers costs more
        except (RedisError, OSError) as error:
            raise KeeperAwayError(str(error)) from error

    def _connection(self) -> Any:
        return self._given or _of_queues()


@lru_cache(maxsize=1)
def _of_queues() -> Any:
    prepare()
    return django_rq.get_connection("default")


def _key(epoch: int, pace: Terms) -> str:
    """Name the hash; in braces what all share, so that a cluster keeps them on one node."""
    return f"{{agentops:pace}}:{epoch}:{pace.pk}"


def _limits(limits: Limits) -> list[float]:
    return [*_numbers(limits.per_minute), limits.ramp_s]


def _numbers(three: Sequence[float | None]) -> list[float]:
    return [_NONE if number is None else number for number in three]


def _finite(told: Sequence[Any]) -> list[float]:
    """Read numbers. Raises: KeeperAwayError if one is none, or infinite."""
    numbers = [float(number) for number in told]
    if not all(map(math.isfinite, numbers)):
        raise KeeperAwayError(f"Redis says {numbers}")
    return numbers


def _bucket(told: Sequence[Any]) -> Bucket:
    at, used, ramp, told_at, *rest = _finite(told)
    limits = [None if number == _NONE else number for number in rest[3:]]
    return Bucket(at=at, used_at=used, ramp_at=ramp, left=rest[:3], told=limits, told_at=told_at)
