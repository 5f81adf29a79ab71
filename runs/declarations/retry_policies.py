"""Retry policies: how often a step is retried, and how long the pauses are. Pure.

A policy counts the failed tries of one step; progress resets the count. No worker sleeps: a pause is a time in the row.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from runs.states import ErrorKind

DEFAULT_DELAYS_S = (10.0, 30.0, 120.0, 600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """What all policies share. Use Delays, Polynomial, Linear or Narrow, not this.

    Its pauses apply to every transient error. A kind of error may get fewer tries than there are pauses.
    """

    timeouts: int | None = None  # total tries of a step that times out; None: as many as the pauses allow
    rate_limits: int | None = None  # the same for a step that is rate-limited
    service_errors: int | None = None  # the same for any other transient error
    jitter: float = 0.1  # pauses grow by up to this share, so that many runs do not return at once

    def pause_s(self, failed: int) -> float | None:
        """Return the seconds before the next try after `failed` tries, without jitter; None means no more."""
        return self._pause_s(failed) if failed < self.most_tries else None

    def _pause_s(self, failed: int) -> float:
        raise NotImplementedError

    @property
    def most_tries(self) -> int:
        """Return the maximum tries of a step, whatever kinds of errors it meets."""
        raise NotImplementedError

    def delay_s(self, error_kind: ErrorKind, failed: Mapping[str, int], *, at_least_s: float = 0.0) -> float | None:
        """Choose the pause before the next try; None means give up.

        `failed` counts the failed tries by kind of error, the last one included. Units: seconds.
        """
        most = self.most(error_kind)
        pause_s = self.pause_s(sum(failed.values()))
        if pause_s is None or (most is not None and failed[error_kind] >= most):
            return None
        return max(pause_s, at_least_s) * random.uniform(1.0, 1.0 + self.jitter)  # noqa: S311 (jitter, no secret)

    def most(self, error_kind: ErrorKind) -> int | None:
        """Return how many tries this kind of error gets; None means as many as the pauses allow."""
        return {
            ErrorKind.TIMEOUT: self.timeouts,
            ErrorKind.RATE_LIMIT: self.rate_limits,
            ErrorKind.SERVICE: self.service_errors,
        }[error_kind]


@dataclass(frozen=True, slots=True)
class Delays(RetryPolicy):
    """A list of pauses; the run gives up after the last one."""

    delays_s: tuple[float, ...] = DEFAULT_DELAYS_S

    def _pause_s(self, failed: int) -> float:
        return self.delays_s[failed - 1]

    @property
    def most_tries(self) -> int:
        """Return one try plus one for each pause."""
        return len(self.delays_s) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Computed(RetryPolicy):
    """A policy whose pauses follow a formula."""

    tries: int = 5  # in total

    @property
    def most_tries(self) -> int:
        """Return the declared number of tries."""
        return self.tries


@dataclass(frozen=True, slots=True)
class Polynomial(_Computed):
    """About 3, 18, 83, 258 s: the fourth power of the failed tries, plus 2."""

    def _pause_s(self, failed: int) -> float:
        return float(failed**4 + 2)


@dataclass(frozen=True, slots=True)
class Linear(_Computed):
    """30, 60, 90 s, and so on."""

    step_s: float = 30.0

    def _pause_s(self, failed: int) -> float:
        return self.step_s * failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrow(Polynomial):
    """Polynomial pauses with fewer tries: 3 for timeouts and service errors, 5 for rate limits."""

    timeouts: int | None = 3
    rate_limits: int | None = 5
    service_errors: int | None = 3
