"""A keeper of paces: whoever knows what is left of them, for all processes. There are two, and never both at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from runs.engine.pacing.bucket import Bucket, Three
from runs.engine.pacing.rows import Terms
from runs.errors import RunsError


class KeeperAwayError(RunsError):
    """The keeper did not answer in time."""

    code = "keeper_away"


@dataclass(frozen=True, slots=True)
class Epoch:
    """For how long one keeper keeps the paces. Its buckets are `taken_over` if another did so a moment ago."""

    number: int
    takes_over: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How long a need must wait, and by which of the paces (by place) and of its three limits."""

    wait_s: float
    pace: int = 0
    dimension: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """What the provider's headers have told, `age_s` seconds ago. Units: limits a minute; what remains of them."""

    told: Three = (None, None, None)
    remaining: Three = (None, None, None)
    age_s: float = 0.0


class Keeper(Protocol):
    """Keeps the buckets of an epoch, for all processes. Raises: KeeperAwayError."""

    def take(self, epoch: Epoch, paces: Sequence[Terms], need: Sequence[float], *, patience_s: float) -> Verdict:
        """Take from all buckets if the wait is within the patience, or else from none."""

    def settle(
        self, epoch: Epoch, paces: Sequence[Terms], back: Sequence[float], *, heard: Heard, heeds: int | None
    ) -> None:
        """Give back what was not used; the pace at this place heeds the headers."""

    def peek(self, epoch: Epoch, paces: Sequence[Terms]) -> list[Bucket]:
        """Look at the buckets as they are now."""

    def ping(self) -> None:
        """Answer."""
