"""Going to sleep and waking: the slot is given back, and the run's row is the pause."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from runs.engine.cancel import is_to_be_cancelled
from runs.engine.journal import Journal
from runs.errors import StaleRunError
from runs.fault_points import fault_point
from runs.models import Run
from runs.models.moves import Event, now, transition
from runs.states import RunStatus


def sleep(
    journal: Journal,
    to: RunStatus,
    event: str,
    *,
    unless: Callable[[], bool] = lambda: False,
    data: dict[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Write that the run waits; wake it at once if a cancel came meanwhile, or what `unless` looks for.

    A cancel or a decision that came while the run was running could not move it on. This looks once more, in the same
    transaction and under the row lock that they need too, so that neither is lost.
    """

    def write() -> None:
        journal.record_event(event, **(data or {}))
        journal.commit(to=to, **columns)
        if is_to_be_cancelled(journal.run):
            wake(journal.run, actor="cancel")
        elif unless():
            wake(journal.run)

    journal.write_whole(write)


def wake(run: Run, *, actor: str = "") -> None:
    """Let a run that sleeps, or is held back, go on now. Raises: StaleRunError."""
    events = [Event("run.queued", actor=actor)]
    if run.circuit_breaker_id:
        transition(
            run,
            hold_reason=run.hold_reason_at_rest,
            circuit_breaker_id=None,
            next_attempt_at=None,
            queued_at=now(),
            events=events,
        )
    elif run.state != RunStatus.QUEUED:
        transition(run, to=RunStatus.QUEUED, events=events)


def try_to_wake(run: Run, *, actor: str) -> bool:
    """Wake a run in a transaction of its own. Returns False if somebody else was faster."""
    try:
        with transaction.atomic():
            wake(run, actor=actor)
            fault_point("wake.before")
    except StaleRunError:
        return False
    return True


def wake_after_action(run: Run, event: Event, **columns: Any) -> None:
    """Record how a pending action ended, and wake the run if it waits for it; a running one notices by itself."""
    if run.state == RunStatus.WAITING_FOR_CONFIRMATION:
        transition(run, to=RunStatus.QUEUED, events=[event, Event("run.queued", actor=event.actor)], **columns)
    else:
        transition(run, events=[event], **columns)
