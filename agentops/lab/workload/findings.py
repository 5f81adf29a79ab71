"""What a comparison finds: differences, which must not be, and notes, which recovery may cause. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

STEPS, REQUESTS = "steps", "requests"


@dataclass(frozen=True, slots=True)
class WorkloadFinding:
    """One finding: where, in which source, at which recorded turn (from 0), and what."""

    conversation: str
    source: str
    turn: int
    what: str

    def __str__(self) -> str:
        return f"{self.conversation}, {self.source}, turn {self.turn}: {self.what}"


@dataclass(slots=True)
class Findings:
    """The findings about one source of one conversation."""

    conversation: str
    source: str
    differences: list[WorkloadFinding] = field(default_factory=list)
    notes: list[WorkloadFinding] = field(default_factory=list)

    def differs(self, turn: int, what: str) -> None:
        """Add a difference."""
        self.differences.append(WorkloadFinding(self.conversation, self.source, turn, what))

    def note(self, turn: int, what: str) -> None:
        """Add a note."""
        self.notes.append(WorkloadFinding(self.conversation, self.source, turn, what))

    def expect(self, turn: int, name: str, recorded: Any, found: Any) -> None:
        """Add a difference if two values are not the same bytes."""
        where = difference(recorded, found)
        if where:
            self.differs(turn, f"{name}: {where}")


@dataclass(frozen=True, slots=True)
class Received:
    """One request that the offline model received, and whether its answer went out whole."""

    body: dict[str, Any]
    answered: bool
    message_id: str | None = None

    @property
    def model_turns(self) -> int:
        """How many answers of the model it repeats; so its own answer is the next."""
        messages = self.body.get("messages") or []
        return sum(message.get("role") == "assistant" for message in messages)


def received_of(entry: dict[str, Any]) -> Received:
    """Read one line of the offline model's log."""
    return Received(
        body=entry.get("body") or {},
        answered=entry.get("status") == 200 and not entry.get("aborted") and not entry.get("fault"),
        message_id=(entry.get("response") or {}).get("id"),
    )


def by_kind(steps: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    """The steps of one kind, in order."""
    return (step for step in steps if step.get("kind") == kind)


_AROUND = 30  # characters shown on either side of the first difference


def as_text(value: Any) -> str:
    """Write a value the one way it is compared: key order kept, 1 is not 1.0, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def difference(recorded: Any, found: Any) -> str | None:
    """Say where what was found leaves what was recorded; None if they are the same bytes."""
    wanted, got = as_text(recorded), as_text(found)
    if wanted == got:
        return None
    at = next(
        (place for place, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), min(len(wanted), len(got))
    )
    return f"recorded {_excerpt(wanted, at)}, found {_excerpt(got, at)}"


def _excerpt(text: str, at: int) -> str:
    start, end = max(0, at - _AROUND), at + _AROUND
    return f"«{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}»"
