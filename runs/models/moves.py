"""The one way in which a run changes.

`change` is a compare-and-set: one UPDATE filtered on id, present status and fence. Zero rows mean that
somebody else was faster, and the caller stops. Status, counts of the waiting line and events are written in
one transaction, so no reader ever sees one without the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from runs.clock import Now
from runs.errors import InvalidTransitionError, StaleRunError
from runs.models.line import shift
from runs.models.run import Run
from runs.models.run_event import RunEvent
from runs.states import ENDED, RunStatus, may_move


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell about a run."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""


def change(
    run: Run,
    *,
    to: RunStatus | None = None,
    events: Sequence[Event] = (),
    if_fence: int | None = None,
    only_if: Mapping[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Change a run from the status it is believed to have, and tell the events.

    Without `to` the status stays and must still be what `run` says. With `if_fence` that claim must still be
    the newest; `only_if` adds conditions of the caller's. Columns of `run` itself are brought up to date.

    Raises: InvalidTransitionError if no such move exists; StaleRunError if somebody else was faster.
    """
    before, after = run.state, to or run.state
    if to and not may_move(before, to):
        raise InvalidTransitionError(f"a run that is {before} cannot become {to}")
    updates = columns | (_columns_of(to) if to else {})
    present = {"pk": run.pk, "status": before} | dict(only_if or {})
    if if_fence is not None:
        present["fence"] = if_fence
    with transaction.atomic():
        count = len(events)
        changed = Run.objects.filter(**present).update(
            status=after, event_seq=F("event_seq") + count, updated_at=Now(), **updates
        )
        if not changed:
            raise StaleRunError(f"run {run.pk} is no longer {before}, or another worker holds it")
        if events:
            _tell(run, events)
        if to:
            shift(run.line_id, before, after)
    run.status = after
    for name, value in updates.items():
        if not hasattr(value, "resolve_expression"):
            setattr(run, name, value)


def _columns_of(to: RunStatus) -> dict[str, Any]:
    """Columns that follow from the status alone."""
    columns: dict[str, Any] = {"finished_at": Now() if to in ENDED else None}
    if to != RunStatus.RUNNING:
        columns |= {"lease_expires_at": None, "worker": None}
    if to == RunStatus.QUEUED:
        columns |= {"queued_at": Now(), "next_attempt_at": None}
    return columns


def _tell(run: Run, events: Sequence[Event]) -> None:
    """Append events under the row lock that the UPDATE took; their numbers leave no gap."""
    newest: int = Run.objects.values_list("event_seq", flat=True).get(pk=run.pk)
    first = newest - len(events) + 1
    RunEvent.objects.bulk_create(
        RunEvent(run=run, seq=first + i, kind=event.kind, actor=event.actor, data=dict(event.data), at=Now())
        for i, event in enumerate(events)
    )
    run.event_seq = newest


def tell_first(run: Run, kind: str, *, actor: str, at: datetime) -> None:
    """Write the first event of a run that was just created with `event_seq` 1."""
    RunEvent.objects.create(run=run, seq=1, kind=kind, actor=actor, at=at)
