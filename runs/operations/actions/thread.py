"""The discussion of an action besides its decision, read from the events of its run."""

from dataclasses import dataclass
from datetime import datetime

from runs.models import PendingAction, RunEvent

_SAID = ("agreed", "asked", "replied", "reassigned", "escalated", "reminded", "overdue")


@dataclass(frozen=True, slots=True)
class Said:
    """One entry: when, by whom, what, and the text."""

    at: datetime
    by: str
    what: str
    text: str


def thread_of(action: PendingAction) -> list[Said]:
    """List the entries, oldest first."""
    kinds = [f"action.{what}" for what in _SAID]
    events = RunEvent.objects.filter(run=action.run_id, kind__in=kinds, at__gte=action.requested_at).order_by("seq")
    return [
        Said(event.at, event.actor, event.kind.removeprefix("action."), _text(event.data))
        for event in events
        if event.data.get("action") == str(action.pk)
    ]


def _text(data: dict[str, object]) -> str:
    if "needed" in data:
        return f"{data['given']} of {data['needed']}"
    return str(data.get("text") or data.get("to") or "")
