"""Repair what disagrees with the runs: counts of lanes, and locks of uniqueness keys."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from runs.models import QueueLane, Run, RunLock
from runs.queue.claim import recount
from runs.states import ENDED


def repair_lanes() -> int:
    """Recount every lane whose counts are not zero. Returns how many were wrong."""
    return sum(_repair(pk) for pk in QueueLane.objects.values_list("pk", flat=True))


@transaction.atomic
def _repair(pk: int) -> bool:
    lane = QueueLane.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    return bool(lane and recount(lane.pk))


_BATCH = 500


def repair_locks() -> int:
    """Pass on every lock that an ended run still holds. Returns how many: 0 unless rows were edited by hand."""
    active = Run.objects.exclude(status__in=ENDED)
    held = RunLock.objects.filter(holder__isnull=False)
    repaired = 0
    for lock in held.exclude(Exists(active.filter(pk=OuterRef("holder")))):
        free = RunLock.objects.filter(pk=lock.pk, holder=lock.holder, successor=lock.successor)
        repaired += free.update(holder=lock.successor, successor=None)
    awaited = RunLock.objects.filter(successor__isnull=False)
    for lock in awaited.exclude(Exists(active.filter(pk=OuterRef("successor")))):
        repaired += RunLock.objects.filter(pk=lock.pk, successor=lock.successor).update(successor=None)
    _remove_free()
    return repaired


def _remove_free() -> None:
    free = RunLock.objects.filter(holder__isnull=True)
    RunLock.objects.filter(pk__in=list(free.values_list("pk", flat=True)[:_BATCH]), holder__isnull=True).delete()
