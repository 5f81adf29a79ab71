"""A quota as providers enforce it: continuous token buckets that hold a few seconds' worth, and 429 beyond."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from agentops.offline.errors import OfflineApiError

BURST_S = 10.0  # seconds' worth that may come at once
REQUESTS, INPUT, OUTPUT = "requests", "input-tokens", "output-tokens"

# Limit and what is left of it, where nothing is enforced.
UNLIMITED = {
    REQUESTS: (1_000, 999),
    "tokens": (2_400_000, 2_399_000),
    INPUT: (2_000_000, 1_999_000),
    OUTPUT: (400_000, 399_000),
}


@dataclass(slots=True)
class _Bucket:
    per_minute: int
    left: float = 0.0
    at: float = -math.inf  # so it begins full

    @property
    def room(self) -> float:
        return max(1.0, self.per_minute / 60 * BURST_S)

    def refill(self, at: float) -> None:
        self.left = min(self.room, self.left + max(0.0, at - self.at) * self.per_minute / 60)
        self.at = max(at, self.at)

    def missing_s(self, need: float) -> float:
        """Tell how long a need must wait; one that is greater than the bucket passes when that is full."""
        return max(0.0, min(need, self.room) - self.left) * 60 / self.per_minute


class OfflineQuota:
    """Count requests, input tokens without cache reads, and output tokens.

    Units: `per_minute` maps the names of the headers to limits; what is not named is not limited.
    """

    def __init__(self, per_minute: Mapping[str, int]) -> None:
        self._buckets = {name: _Bucket(limit) for name, limit in per_minute.items()}

    @property
    def is_limited(self) -> bool:
        """Tell whether anything is limited at all."""
        return bool(self._buckets)

    def take(self, input_tokens: int, *, at: float) -> None:
        """Count a request.

        Raises: OfflineApiError 429 with Retry-After, and counts nothing, when it does not fit.
        """
        needs = {REQUESTS: 1.0, INPUT: float(input_tokens), OUTPUT: 1.0}
        waits = {}
        for name, bucket in self._buckets.items():
            bucket.refill(at)
            waits[name] = bucket.missing_s(needs[name])
        if any(waits.values()):
            raise _too_fast(max(waits, key=lambda name: waits[name]), max(waits.values()))
        for name in self._buckets.keys() - {OUTPUT}:  # which is counted as answered
            self._buckets[name].left -= needs[name]

    def answered(self, output_tokens: int) -> None:
        """Count an answer, into debt if need be: nobody knows its length before."""
        if OUTPUT in self._buckets:
            self._buckets[OUTPUT].left -= output_tokens

    def headers(self, at: float) -> dict[str, str]:
        """Tell limits, what remains of them, and when all of it is there again."""
        headers = {}
        for name, (limit, left) in UNLIMITED.items():
            until = at + 1
            if bucket := self._buckets.get(name):
                bucket.refill(at)
                limit, left = bucket.per_minute, max(0, math.floor(bucket.left))  # noqa: PLW2901 (its bucket says more)
                until = at + bucket.missing_s(bucket.room)
            reset = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for word, value in (("limit", limit), ("remaining", left), ("reset", reset)):
                headers[f"anthropic-ratelimit-{name}-{word}"] = str(value)
        return headers


def _too_fast(name: str, wait_s: float) -> OfflineApiError:
    message = f"This request would exceed the rate limit for your organization ({name} per minute)."
    headers = {"retry-after": str(math.ceil(wait_s))}
    return OfflineApiError(429, "rate_limit_error", message, headers=headers)
