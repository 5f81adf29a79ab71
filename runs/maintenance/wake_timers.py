"""Waking runs whose time has come: schedules and retries."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from runs.clock import Now
from runs.engine.paused_tools import waits_for_paused_tools
from runs.errors import StaleRunError
from runs.fault_points import fault_point
from runs.models import Run, RunLock
from runs.models.moves import Event, change
from runs.queue.doorbell import ring
from runs.states import RunStatus

_BATCH = 200


def wake_timers() -> int:
    """Queue every scheduled or retrying run that is due. Returns how many."""
    awaits_lock = RunLock.objects.filter(successor=OuterRef("pk"))  # the holder's end hands it on
    timers = Run.objects.filter(
        ~Exists(awaits_lock), ~waits_for_paused_tools(), status__in=[RunStatus.SCHEDULED, RunStatus.RETRYING]
    )
    due = timers.filter(next_attempt_at__lte=Now()).order_by("next_attempt_at")[:_BATCH]
    return sum(_wake(run) for run in due)


def wake_successor(ended: Run) -> bool:
    """Queue the run that took the lock of one that has ended, if its time has come; say whether it was waiting."""
    lock = RunLock.objects.filter(tenant=ended.tenant_id, job_type=ended.job_type, key=ended.unique_key or "")
    holders = Run.objects.filter(pk__in=lock.filter(holder__isnull=False).values("holder"))
    successor = holders.filter(status=RunStatus.SCHEDULED, next_attempt_at__lte=Now()).first()
    return successor is not None and _wake(successor)


def _wake(run: Run) -> bool:
    try:
        with transaction.atomic():
            change(run, to=RunStatus.QUEUED, events=[Event("run.queued", actor="timer")])
            ring([run.queue])
            fault_point("wake.before")
    except StaleRunError:
        return False
    return True
