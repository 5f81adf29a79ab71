"""What dead letters ask of the work that failed. This app knows no runs: whoever makes letters answers here.

Nothing is ever imported by a name read from a row.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from deadletters.errors import NotReplayableError


class Outcome(StrEnum):
    """What has become of replayed work."""

    OPEN = "open"  # it works, or waits
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replay would do. Steps are numbers in the run that failed; effects are `{seq, tool, effect_key}`."""

    reused: list[int]  # recorded results that are taken over
    runs_again: list[int]  # recorded steps that are done anew
    effects_done: list[dict[str, Any]]  # they have happened, and are not repeated
    effects_unknown: list[dict[str, Any]]  # they may have happened: a person must look first
    effects_repeated: list[dict[str, Any]] = field(default_factory=list)  # happened, and would happen again
    estimated_cost_usd: Decimal = Decimal(0)  # of what is missing, by what the run has paid for such steps so far
    refusal: str = ""  # why it cannot be replayed at all, if so


class Work(Protocol):
    """The runs behind the letters."""

    def replay(self, run_id: UUID, user: Any, *, new_input: Any = None, from_step: int | None = None) -> UUID:
        """Continue the failed run, or start a new one; return the id of the run that goes on."""
        ...

    def preview(self, run_id: UUID, *, new_input: Any = None, from_step: int | None = None) -> Preview:
        """Say what `replay` would do with the same arguments. Changes nothing."""
        ...

    def outcomes(self, run_ids: list[UUID]) -> dict[UUID, Outcome]:
        """Tell what has become of replayed runs; one that is gone is left out."""
        ...

    def operates_in(self, user: Any) -> Collection[str] | None:
        """Name the tenants in which the user may replay anybody's runs now; None: in every one."""
        ...


_known: list[Work] = []


def register_work(work: Work) -> None:
    """Tell who answers for the work behind the letters. The last one told wins."""
    _known.append(work)


def work() -> Work:
    """Find who answers. Raises: NotReplayableError if nobody does."""
    if not _known:
        raise NotReplayableError("nobody answers for the runs behind the dead letters")
    return _known[-1]
