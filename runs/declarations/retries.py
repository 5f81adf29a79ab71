"""Retry policies: how often each kind of trouble is tried, and how long the pauses are. Pure.

A policy counts the failed tries of one step; progress zeroes them. No worker sleeps: the pause is a time in the row.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from runs.states import Trouble

DEFAULT_DELAYS_S = (10.0, 30.0, 120.0, 600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """What all policies share. Use Delays, Polynomial or Linear, not this."""

    timeouts: int = 3  # tries in all of a step that times out
    rate_limits: int = 5  # of one that is told to come later
    service_errors: int = 3  # of one that fails in passing for any other reason
    jitter: float = 0.1  # up to so much longer, so that many runs do not come back at once

    def pause_s(self, failed: int) -> float | None:
        """Seconds before the next try when so many have failed, without jitter; None: no more."""
        raise NotImplementedError

    def delay_s(self, trouble: Trouble, failed: Mapping[str, int], *, at_least_s: float = 0.0) -> float | None:
        """Choose the pause before the next try; None means give up.

        `failed` counts the failed tries by trouble, the last one included. Units: seconds.
        """
        if failed[trouble] >= self.most(trouble):
            return None
        pause_s = self.pause_s(sum(failed.values()))
        if pause_s is None:
            return None
        return max(pause_s, at_least_s) * random.uniform(1.0, 1.0 + self.jitter)  # noqa: S311 (jitter, no secret)

    def most(self, trouble: Trouble) -> int:
        """How many tries this trouble gets."""
        tries = {
            Trouble.TIMEOUT: self.timeouts,
            Trouble.RATE_LIMIT: self.rate_limits,
            Trouble.SERVICE: self.service_errors,
        }
        return tries[trouble]

    @property
    def most_tries(self) -> int:
        """More tries no step can have, whatever troubles it meets in turn."""
        return sum(self.most(trouble) - 1 for trouble in Trouble) + 1


@dataclass(frozen=True, slots=True)
class Delays(RetryPolicy):
    """A list of pauses; when it is used up, the run gives up."""

    delays_s: tuple[float, ...] = DEFAULT_DELAYS_S

    def pause_s(self, failed: int) -> float | None:
        """Read it off the list."""
        return self.delays_s[failed - 1] if failed <= len(self.delays_s) else None


@dataclass(frozen=True, slots=True)
class Polynomial(RetryPolicy):
    """About 3, 18, 83, 258 s: the fourth power of the tries, and 2."""

    def pause_s(self, failed: int) -> float:
        """Compute it."""
        return float(failed**4 + 2)


@dataclass(frozen=True, slots=True)
class Linear(RetryPolicy):
    """30, 60, 90 s, and so on."""

    step_s: float = 30.0

    def pause_s(self, failed: int) -> float:
        """Compute it."""
        return self.step_s * failed
