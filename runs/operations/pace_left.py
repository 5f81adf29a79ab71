"""What a pace has left at this moment, for people; whoever keeps it is asked."""

from dataclasses import dataclass

from runs.engine.pacing import change_over
from runs.engine.pacing.rows import Terms, known
from runs.models import Pace

_WORDS = ("requests", "input tokens", "output tokens")


@dataclass(frozen=True, slots=True)
class Left:
    """One of the three limits. Units: `per_minute` as it holds now: warming up, and clamped by the provider."""

    word: str
    left: float
    per_minute: float


def left_of(pace: Pace) -> list[Left]:
    """Look at a pace; empty if it holds for no calls of this installation."""
    terms = next((one for one in known().paces if one.pk == pace.pk), None)
    return _look(terms) if terms else []


def _look(terms: Terms) -> list[Left]:
    (seen,) = change_over.peek([terms])
    warmth = seen.warmth(terms.limits)
    parts = zip(_WORDS, seen.left, seen.per_second(terms.limits), strict=True)
    return [Left(word, left, rate * 60 * warmth) for word, left, rate in parts if rate is not None]
