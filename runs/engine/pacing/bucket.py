"""The arithmetic of a pace: three continuous token buckets that fill together. Pure; times are Unix seconds.

`runs/queue/bucket_script.py` says the same in Lua, and a property test holds both against each other.

A bucket holds a few seconds' worth, since providers enforce their minute in parts. What is taken may leave it in debt:
whoever took so waits until it would have been there. After a minute without calls the rate begins at a tenth again.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

BURST_S = 5.0
IDLE_S = 60.0
COLD = 0.1  # part of the rate at which a ramp begins
OWED_S = 3.0  # a former keeper's promises reach so far, and that it is the former is noticed within a second of it
TOLD_FOR_S = 300.0  # so long a limit that the provider's headers have told is remembered
LEAST = (1.0, 0.0, 0.0)  # a bucket holds at least one request

Three = tuple[float | None, float | None, float | None]  # requests, input tokens, output tokens


@dataclass(frozen=True, slots=True)
class Limits:
    """What a row allows. Units: `per_minute`, in the order requests, input tokens, output tokens; None: no limit."""

    per_minute: Three
    ramp_s: float = 0.0


@dataclass(slots=True)
class Bucket:
    """What is left of a pace. Limits that the provider has `told` hold if they are lower than the row's."""

    at: float
    used_at: float
    ramp_at: float
    left: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    told: list[float | None] = field(default_factory=lambda: [None, None, None])
    told_at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Shape: as the constructor takes it."""
        return asdict(self)

    def warmth(self, limits: Limits) -> float:
        """Say which part of the rate holds now, from `COLD` to 1."""
        if limits.ramp_s <= 0:
            return 1.0
        return min(1.0, COLD + (1 - COLD) * (self.at - self.ramp_at) / limits.ramp_s)

    def per_second(self, limits: Limits) -> list[float | None]:
        """The whole rates: the row's, or what the provider has told of late if that is less."""
        told = self.told if self.at - self.told_at < TOLD_FOR_S else [None, None, None]
        return [
            None if row is None else min(row, math.inf if other is None else other) / 60
            for row, other in zip(limits.per_minute, told, strict=True)
        ]

    def room(self, limits: Limits) -> list[float | None]:
        """How much each bucket holds at most now."""
        warmth = self.warmth(limits)
        rates = zip(self.per_second(limits), LEAST, strict=True)
        return [None if rate is None else max(least, rate * BURST_S * warmth) for rate, least in rates]


def empty(now: float) -> Bucket:
    """Begin with nothing left: others may have used it all a moment ago."""
    return Bucket(at=now, used_at=now, ramp_at=now)


def taken_over(now: float, limits: Limits) -> Bucket:
    """Begin for a pace that another keeper kept a moment ago: it is warm, and owes what that one has promised."""
    bucket = Bucket(at=now, used_at=now, ramp_at=now - limits.ramp_s)
    bucket.left = [-(rate or 0.0) * OWED_S for rate in bucket.per_second(limits)]
    return bucket


def refill(bucket: Bucket, limits: Limits, now: float) -> None:
    """Bring a bucket up to now."""
    now = max(now, bucket.at)
    rates = bucket.per_second(limits)
    since, until = bucket.at - bucket.ramp_at, now - bucket.ramp_at
    gained_s = _filled_s(until, limits.ramp_s) - _filled_s(since, limits.ramp_s)
    bucket.at = now
    was_idle = now - bucket.used_at > IDLE_S
    full = True
    for i, (rate, room) in enumerate(zip(rates, bucket.room(limits), strict=True)):
        if rate is not None and room is not None:
            bucket.left[i] += rate * gained_s
            full = full and bucket.left[i] >= room
            bucket.left[i] = min(bucket.left[i], room)
    if was_idle and full:
        bucket.ramp_at = bucket.used_at = now
        for i, room in enumerate(bucket.room(limits)):
            if room is not None:
                bucket.left[i] = min(bucket.left[i], room)


def wait_s(bucket: Bucket, limits: Limits, need: Sequence[float]) -> tuple[float, int]:
    """Say how long a need must wait, and for which of the three. The bucket was refilled just now.

    What is greater than the bucket passes when that is full.
    """
    longest, binding = 0.0, 0
    for i, (rate, room) in enumerate(zip(bucket.per_second(limits), bucket.room(limits), strict=True)):
        if rate is None or room is None or need[i] <= 0:
            continue
        missing = min(need[i], room) - bucket.left[i]
        if missing > 0:
            since = bucket.at - bucket.ramp_at
            wait = _time_of(_filled_s(since, limits.ramp_s) + missing / rate, limits.ramp_s) - since
            if wait > longest:
                longest, binding = wait, i
    return longest, binding


def take(bucket: Bucket, need: Sequence[float]) -> None:
    """Take what is needed, into debt if it is not there yet."""
    bucket.used_at = bucket.at
    bucket.left = [left - part for left, part in zip(bucket.left, need, strict=True)]


def settle(bucket: Bucket, limits: Limits, back: Sequence[float]) -> None:
    """Give back what was not used; what was used beyond it (negative) is taken."""
    rooms = bucket.room(limits)
    for i, room in enumerate(rooms):
        bucket.left[i] = min(bucket.left[i] + back[i], math.inf if room is None else room)


def heed(bucket: Bucket, limits: Limits, *, told: Three, remaining: Three, age_s: float) -> None:
    """Clamp to what the provider's headers have told, so many seconds ago: never above what the row allows."""
    if any(limit is not None for limit in told):
        bucket.told, bucket.told_at = list(told), bucket.at
    for i, (rest, rate) in enumerate(zip(remaining, bucket.per_second(limits), strict=True)):
        if rest is not None and rate is not None:
            bucket.left[i] = min(bucket.left[i], rest + rate * age_s)


def _filled_s(warming_s: float, ramp_s: float) -> float:
    """How many seconds' worth at the whole rate come in since the ramp began: the area under the warmth."""
    if ramp_s <= 0:
        return warming_s
    part = min(warming_s, ramp_s)
    return COLD * part + (1 - COLD) * part * part / (2 * ramp_s) + max(0.0, warming_s - ramp_s)


def _time_of(filled_s: float, ramp_s: float) -> float:
    """The reverse: when so much has come in."""
    if ramp_s <= 0:
        return filled_s
    whole = _filled_s(ramp_s, ramp_s)
    if filled_s >= whole:
        return ramp_s + filled_s - whole
    bend = (1 - COLD) / ramp_s
    return (math.sqrt(COLD * COLD + 2 * bend * filled_s) - COLD) / bend
