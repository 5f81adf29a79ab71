"""Waking runs whose time has come: schedules and retries."""

from django.db import transaction

from runs.clock import Now
from runs.errors import StaleRunError
from runs.fault_points import fault_point
from runs.models import Run
from runs.models.moves import Event, change
from runs.queue.doorbell import ring
from runs.states import RunStatus

_BATCH = 200


def wake_timers() -> int:
    """Queue every scheduled or retrying run that is due. Returns how many."""
    due = Run.objects.filter(status__in=[RunStatus.SCHEDULED, RunStatus.RETRYING], next_attempt_at__lte=Now()).order_by(
        "next_attempt_at"
    )[:_BATCH]
    woken = 0
    for run in due:
        try:
            with transaction.atomic():
                change(run, to=RunStatus.QUEUED, events=[Event("run.queued", actor="timer")])
                ring([run.queue])
                fault_point("wake.before")
            woken += 1
        except StaleRunError:
            continue
    return woken
