"""Repairing waiting lines whose counts disagree with their runs."""

from django.db import transaction

from runs.models import Line
from runs.queue.claim import recount


def repair_lines() -> int:
    """Recount every line that claims to have work. Returns how many were wrong."""
    return sum(_repair(pk) for pk in Line.objects.values_list("pk", flat=True))


@transaction.atomic
def _repair(pk: int) -> bool:
    line = Line.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    return bool(line and recount(line.pk))
