"""The ways in which a claim can end. The engine returns one; `finish_claim` turns it into a status."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Completed:
    """The work is done."""

    output: Any


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person must decide something; the row is the pause."""


@dataclass(frozen=True, slots=True)
class InBatch:
    """The model call waits for a batch, as was committed with its intent."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A transient error: go on in `delay_s` seconds."""

    error: BaseException
    delay_s: float
    failed: Mapping[str, int]  # tries of the step so far, by kind of error


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The circuit of the run's model is open; queue the run again and hold it until the circuit closes.

    `error` is the error of the call, if the model was asked.
    """

    breaker_id: int | None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class RateLimitReached:
    """A rate limit of the run's model is used up; queue the run and hold it until there is headroom.

    Fields: as `RateLimitReachedError`.
    """

    need: Mapping[str, Any]
    wait_s: float
    share_s: float


@dataclass(frozen=True, slots=True)
class Later:
    """A tool has no free slot; the run comes back after this many seconds."""

    why: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The run failed for good; it gets a dead letter."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Released:
    """The worker is stopping; any worker may continue the run."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody asked to cancel the run."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """By its job type, the error means that the work is pointless now; the run ends as cancelled."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Lost:
    """Another worker holds the run: write nothing."""


Outcome = (
    Completed
    | Waiting
    | InBatch
    | Retry
    | HeldBack
    | RateLimitReached
    | Later
    | Failed
    | Released
    | Cancelled
    | Discarded
    | Lost
)
