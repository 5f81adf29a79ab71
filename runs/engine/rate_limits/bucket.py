"""The arithmetic of a rate limit: three token buckets that refill continuously. Pure; times are Unix seconds.

A bucket holds five seconds' worth, since providers enforce their minute in parts. A permit may leave it in debt,
and its call then waits until the debt is refilled. After a minute without calls the rate ramps up from a tenth.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

BURST_S = 5.0
IDLE_S = 60.0
COLD = 0.1  # the part of the rate at which a ramp begins
HEADERS_HOLD_S = 300.0  # how long the limits of a provider's headers hold
MIN_CAPACITY = (1.0, 0.0, 0.0)  # a bucket holds at least one request

Three = tuple[float | None, float | None, float | None]  # requests, input tokens, output tokens


@dataclass(frozen=True, slots=True)
class Quota:
    """What a rate limit allows. Units: `per_minute`, in the order requests, input tokens, output tokens; None: all."""

    per_minute: Three
    ramp_s: float = 0.0


@dataclass(slots=True)
class Bucket:
    """What is left of a quota. The provider's own limits hold where they are lower than the row's."""

    at: float
    used_at: float
    ramp_at: float
    left: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    provider_limits: list[float | None] = field(default_factory=lambda: [None, None, None])
    provider_limits_at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Shape: as the constructor takes it."""
        return asdict(self)

    def warmth(self, quota: Quota) -> float:
        """Return the part of the rate that holds now, from `COLD` to 1."""
        if quota.ramp_s <= 0:
            return 1.0
        return min(1.0, COLD + (1 - COLD) * (self.at - self.ramp_at) / quota.ramp_s)

    def per_second(self, quota: Quota) -> list[float | None]:
        """Return the rates without the ramp: the row's, or the provider's recent ones if those are lower."""
        is_recent = self.at - self.provider_limits_at < HEADERS_HOLD_S
        provider = self.provider_limits if is_recent else [None, None, None]
        return [
            None if row is None else min(row, math.inf if other is None else other) / 60
            for row, other in zip(quota.per_minute, provider, strict=True)
        ]

    def capacity(self, quota: Quota) -> list[float | None]:
        """Return how much the buckets hold at most now."""
        warmth = self.warmth(quota)
        rates = zip(self.per_second(quota), MIN_CAPACITY, strict=True)
        return [None if rate is None else max(least, rate * BURST_S * warmth) for rate, least in rates]


def empty(now: float) -> Bucket:
    """Begin with nothing left: others may have used it all a moment ago."""
    return Bucket(at=now, used_at=now, ramp_at=now)


def refill(bucket: Bucket, quota: Quota, now: float) -> None:
    """Bring a bucket up to now."""
    now = max(now, bucket.at)
    rates = bucket.per_second(quota)
    since, until = bucket.at - bucket.ramp_at, now - bucket.ramp_at
    gained_s = _filled_s(until, quota.ramp_s) - _filled_s(since, quota.ramp_s)
    bucket.at = now
    was_idle = now - bucket.used_at > IDLE_S
    full = True
    for i, (rate, capacity) in enumerate(zip(rates, bucket.capacity(quota), strict=True)):
        if rate is not None and capacity is not None:
            bucket.left[i] += rate * gained_s
            full = full and bucket.left[i] >= capacity
            bucket.left[i] = min(bucket.left[i], capacity)
    if was_idle and full:
        bucket.ramp_at = bucket.used_at = now
        for i, capacity in enumerate(bucket.capacity(quota)):
            if capacity is not None:
                bucket.left[i] = min(bucket.left[i], capacity)


def wait_s(bucket: Bucket, quota: Quota, amounts: Sequence[float]) -> tuple[float, int]:
    """Return how long these amounts must wait, and for which of the three. Refill the bucket first.

    Amounts beyond the capacity pass when the bucket is full.
    """
    longest, binding = 0.0, 0
    for i, (rate, capacity) in enumerate(zip(bucket.per_second(quota), bucket.capacity(quota), strict=True)):
        if rate is None or capacity is None or amounts[i] <= 0:
            continue
        missing = min(amounts[i], capacity) - bucket.left[i]
        if missing > 0:
            since = bucket.at - bucket.ramp_at
            wait = _time_of(_filled_s(since, quota.ramp_s) + missing / rate, quota.ramp_s) - since
            if wait > longest:
                longest, binding = wait, i
    return longest, binding


def take(bucket: Bucket, amounts: Sequence[float]) -> None:
    """Take these amounts, into debt where they are not there yet."""
    bucket.used_at = bucket.at
    bucket.left = [left - part for left, part in zip(bucket.left, amounts, strict=True)]


def give_back(bucket: Bucket, quota: Quota, amounts: Sequence[float]) -> None:
    """Give back what was not used; negative amounts were used in addition."""
    for i, capacity in enumerate(bucket.capacity(quota)):
        bucket.left[i] = min(bucket.left[i] + amounts[i], math.inf if capacity is None else capacity)


def _filled_s(warming_s: float, ramp_s: float) -> float:
    """Return how many seconds' worth of the full rate come in since the ramp began: the area under the warmth."""
    if ramp_s <= 0:
        return warming_s
    part = min(warming_s, ramp_s)
    return COLD * part + (1 - COLD) * part * part / (2 * ramp_s) + max(0.0, warming_s - ramp_s)


def _time_of(filled_s: float, ramp_s: float) -> float:
    """Return when that much has come in: the inverse of `_filled_s`."""
    if ramp_s <= 0:
        return filled_s
    whole = _filled_s(ramp_s, ramp_s)
    if filled_s >= whole:
        return ramp_s + filled_s - whole
    bend = (1 - COLD) / ramp_s
    return (math.sqrt(COLD * COLD + 2 * bend * filled_s) - COLD) / bend
