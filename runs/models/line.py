"""Waiting lines: the queued and running runs of one queue, tenant and job type, counted.

A claim reads one row here instead of counting runs: counting without a lock over-admits, and counting
with one is slow. Every move of a run adjusts its line in the same transaction; the reconciler repairs a
line whose counts disagree with its runs.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest

from runs.models.tenant import Tenant
from runs.states import RunStatus

AGEING_S = 60.0  # one level of priority is worth so many seconds of waiting


class Line(models.Model):
    """One waiting line. The smallest `key` among lines with work and room is served next."""

    queue = models.CharField(max_length=64)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="lines")
    job_type = models.CharField(max_length=100)
    cap = models.PositiveIntegerField(null=True, blank=True, help_text="Runs at once; empty: no cap.")
    queued = models.IntegerField(default=0)
    running = models.IntegerField(default=0)
    served_at = models.FloatField(default=0.0, help_text="When a run of it was last claimed, Unix time.")
    key = models.FloatField(default=0.0, help_text="Turn: the head's age and priority, or the last service.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "tenant", "job_type"], name="one_line_each"),
            models.CheckConstraint(condition=Q(queued__gte=0) & Q(running__gte=0), name="line_counts_not_negative"),
        ]
        indexes = [
            models.Index(fields=["queue", "key"], name="line_turn", condition=Q(queued__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.queue}/{self.tenant_id}/{self.job_type}"


def line_for(*, queue: str, tenant: Tenant, job_type: str, cap: int | None) -> Line:
    """Find or make the line, and bring its cap up to date with the declaration."""
    line, made = Line.objects.get_or_create(queue=queue, tenant=tenant, job_type=job_type, defaults={"cap": cap})
    if not made and line.cap != cap:
        Line.objects.filter(pk=line.pk).update(cap=cap)
    return line


def rank_of(created_at: float, priority: int) -> float:
    """Rank a run within its line: older first, each level of priority worth a minute."""
    return created_at - AGEING_S * priority


def shift(line_id: int, before: RunStatus | None, after: RunStatus) -> None:
    """Adjust the counts of a line for one run's move. Call it in the transaction of the move."""
    queued = (after == RunStatus.QUEUED) - (before == RunStatus.QUEUED)
    running = (after == RunStatus.RUNNING) - (before == RunStatus.RUNNING)
    if queued or running:
        Line.objects.filter(pk=line_id).update(queued=F("queued") + queued, running=F("running") + running)
    if queued:
        set_turn(line_id)


def serve(line_id: int, at: float) -> None:
    """Note that a run of the line was claimed now, so that other lines come first."""
    Line.objects.filter(pk=line_id).update(served_at=at)
    set_turn(line_id)


def set_turn(line_id: int) -> None:
    """Recompute the line's turn from its head: the later of the head's arrival and the last service."""
    from runs.models.run import Run  # the run's own module needs this one

    head = (
        Run.objects.filter(line_id=line_id, status=RunStatus.QUEUED)
        .order_by("rank")
        .values_list("rank", "priority")
        .first()
    )
    if head:
        rank, priority = head
        bonus = AGEING_S * priority
        served = models.ExpressionWrapper(F("served_at") - bonus, output_field=models.FloatField())
        Line.objects.filter(pk=line_id).update(
            key=Greatest(served, models.Value(rank, output_field=models.FloatField()))
        )
