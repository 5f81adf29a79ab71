"""Repairing lanes whose counts disagree with their runs."""

from django.db import transaction

from runs.models import QueueLane
from runs.queue.claim import recount


def repair_lanes() -> int:
    """Recount every lane that claims to have work. Returns how many were wrong."""
    return sum(_repair(pk) for pk in QueueLane.objects.values_list("pk", flat=True))


@transaction.atomic
def _repair(pk: int) -> bool:
    lane = QueueLane.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    return bool(lane and recount(lane.pk))
