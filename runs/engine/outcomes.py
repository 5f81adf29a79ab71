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
class Retry:
    """It failed in passing; go on in `delay_s` seconds."""

    error: BaseException
    delay_s: float
    failed: Mapping[str, int]  # tries of the step so far, by trouble


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The gate of its model is shut; the run is queued again, and held until it is opened."""

    gate_id: int | None


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
class Lost:
    """Another worker holds the run: nothing may be written."""


Outcome = Completed | Waiting | Retry | HeldBack | Failed | Released | Cancelled | Lost
