"""What a comparison finds: differences, which must not be, and notes, which recovery may cause. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agentops.lab.workload.exact import difference

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
