"""Wake runs that are due: schedules, retries, and those for which a tool slot is free again."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from runs.clock import Now
from runs.engine.sleep import try_to_wake
from runs.engine.tool_limits import ToolHeadroom, waits_for_slot
from runs.models import Run, RunLock
from runs.models.fair_order import in_turn
from runs.states import RunStatus

_BATCH = 200


def wake_timers() -> int:
    """Queue every scheduled or retrying run that is due; of those waiting for a tool, as many as it has free slots.

    Returns how many.
    """
    awaits_lock = RunLock.objects.filter(successor=OuterRef("pk"))  # the lock passes on when the holder ends
    headroom = ToolHeadroom()
    timers = Run.objects.filter(
        ~Exists(awaits_lock), ~headroom.nothing_to_do(), status__in=[RunStatus.SCHEDULED, RunStatus.RETRYING]
    )
    due = timers.filter(next_attempt_at__lte=Now())
    woken = sum(_wake(run) for run in _due(due.exclude(waits_for_slot(headroom.limited))))
    for tool in headroom.limited:
        in_line = list(_in_turn(due.filter(waits_for_slot([tool]))))
        woken += sum(_wake(run) for run in headroom.admit(in_line))
    return woken


def _due(runs: QuerySet[Run]) -> Iterable[Run]:
    """Choose those that are due longest; if a sweep cannot wake them all, some of each tenant."""
    first = list(runs.order_by("next_attempt_at")[: _BATCH + 1])
    return first if len(first) <= _BATCH else _in_turn(runs)


def _in_turn(runs: QuerySet[Run]) -> QuerySet[Run]:
    return in_turn(runs.select_related("definition"), "next_attempt_at")[:_BATCH]


def wake_successor(ended: Run) -> bool:
    """Queue the run that took the lock of an ended one, if it is due; say whether it was waiting."""
    lock = RunLock.objects.filter(tenant=ended.tenant_id, job_type=ended.job_type, key=ended.unique_key or "")
    holders = Run.objects.filter(pk__in=lock.filter(holder__isnull=False).values("holder"))
    successor = holders.filter(status=RunStatus.SCHEDULED, next_attempt_at__lte=Now()).first()
    return successor is not None and _wake(successor)


def _wake(run: Run) -> bool:
    return try_to_wake(run, actor="timer")
