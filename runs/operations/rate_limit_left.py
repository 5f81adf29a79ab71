"""Show people what a rate limit has left at this moment."""

from dataclasses import dataclass

from runs.engine.rate_limits.active import active_limits
from runs.engine.rate_limits.permits import look
from runs.models import RateLimit

_WORDS = ("requests", "input tokens", "output tokens")


@dataclass(frozen=True, slots=True)
class Left:
    """One of the three dimensions. Units: `per_minute` in force now: ramping up, or lowered by the provider."""

    word: str
    left: float
    per_minute: float


def left_of(rate_limit: RateLimit) -> list[Left]:
    """Read what a rate limit has left; empty if it covers no calls of this installation."""
    for limit, seen in look([one for one in active_limits().limits if one.pk == rate_limit.pk]):
        warmth = seen.warmth(limit.quota)
        parts = zip(_WORDS, seen.left, seen.per_second(limit.quota), strict=True)
        return [Left(word, left, rate * 60 * warmth) for word, left, rate in parts if rate is not None]
    return []
