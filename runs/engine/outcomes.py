"""The ways in which holding a run can end. The engine returns one; `settle` makes it a status."""

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
    """Its model call waits for a batch; that was written with the intent of the call."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It failed transiently; go on in `delay_s` seconds."""

    error: BaseException
    delay_s: float
    failed: Mapping[str, int]  # tries of the step so far, by kind of error


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The circuit of its model is open; the run is queued again, and held until it closes.

    `error` is what its call met, if the model was asked.
    """

    breaker_id: int | None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class RateLimitReached:
    """A rate limit of its model is used up; the run is queued and held until there is room.

    Fields: as `RateLimitReachedError`.
    """

    need: Mapping[str, Any]
    wait_s: float
    share_s: float


@dataclass(frozen=True, slots=True)
class Later:
    """A tool has no place for another call; the run comes back after so many seconds."""

    why: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed for good; a dead letter is made."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Released:
    """The worker stops; any worker goes on."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody asked for it."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """An error of which its job type says that the work has become pointless; it ends as cancelled."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Lost:
    """Another worker holds the run: nothing may be written."""


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
