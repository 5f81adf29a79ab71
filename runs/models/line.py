"""Waiting lines: the queued and running runs of one queue, tenant and job type, counted.

A claim reads one row here instead of counting runs: counting without a lock over-admits, and counting
with one is slow. Every move of a run adjusts its line in the same transaction; the reconciler repairs a
line whose counts disagree with its runs.
"""

from django.db import connection, models
from django.db.models import F, Q

from runs.models.sql import Statement
from runs.models.tenant import Tenant
from runs.states import RunStatus

AGEING_S = 60.0  # one level of priority is worth so many seconds of waiting


class Line(models.Model):
    """One waiting line. The smallest `key` among lines with work and room is served next."""

    queue = models.CharField(max_length=64)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="lines")
    job_type = models.CharField(max_length=100)
    cap = models.PositiveIntegerField(null=True, blank=True, help_text="Runs at once; empty: no cap.")
    queued = models.IntegerField(default=0, help_text="Those that any slot may take; one to be tried alone is not.")
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


ROOM = Q(cap__isnull=True) | Q(running__lt=F("cap"))  # one more run may start


def line_for(*, queue: str, tenant: Tenant, job_type: str, cap: int | None) -> Line:
    """Find or make the line, and bring its cap up to date with the declaration."""
    line, made = Line.objects.get_or_create(queue=queue, tenant=tenant, job_type=job_type, defaults={"cap": cap})
    if not made and line.cap != cap:
        Line.objects.filter(pk=line.pk).update(cap=cap)
    return line


def rank_of(created_at: float, priority: int) -> float:
    """Rank a run within its line: older first, each level of priority worth a minute."""
    return created_at - AGEING_S * priority


def shift(
    line_id: int,
    before: RunStatus | None,
    after: RunStatus,
    *,
    was_alone: bool = False,
    is_alone: bool = False,
    served_at: float | None = None,
) -> None:
    """Adjust the counts and the turn of a line for one run's move. Call it in the transaction of the move.

    A run that is to be tried alone is not counted as queued: no ordinary claim may take it.
    Units: `served_at` is Unix time, given when a run of the line was just claimed.
    """
    queued = (after == RunStatus.QUEUED and not is_alone) - (before == RunStatus.QUEUED and not was_alone)
    running = (after == RunStatus.RUNNING) - (before == RunStatus.RUNNING)
    _adjust(line_id, queued=queued, running=running, served_at=served_at)


def set_turn(line_id: int) -> None:
    """Recompute the line's turn from its head."""
    _adjust(line_id, queued=0, running=0, served_at=None)


def _adjust(line_id: int, *, queued: int, running: int, served_at: float | None) -> None:
    """Change the counts; the turn is the later of the head's arrival and the last service, less its priority."""
    served = '"served_at"' if served_at is None else "CAST(%s AS double precision)"
    turn = f'{served} - {AGEING_S} * r."priority"'
    head = f"""
        SELECT CASE WHEN r."rank" > {turn} THEN r."rank" ELSE {turn} END FROM "runs_run" r
        WHERE r."line_id" = "runs_line"."id" AND r."status" = 'queued' AND NOT r."alone" ORDER BY r."rank" LIMIT 1
    """
    text = f"""
        UPDATE "runs_line" SET "queued" = "queued" + %s, "running" = "running" + %s, "served_at" = {served},
        "key" = COALESCE(({head}), "key") WHERE "id" = %s
    """
    service = [] if served_at is None else [served_at] * 3
    with connection.cursor() as cursor:
        cursor.execute(text, [queued, running, *service, line_id])


def one_less_running(line_id: int, *, only_with: str | None = None) -> Statement:
    """Build the UPDATE that frees a run's slot; with `only_with`, the name of a query: only if that has a row."""
    condition = f" AND EXISTS (SELECT 1 FROM {only_with})" if only_with else ""
    return Statement(f'UPDATE "runs_line" SET "running" = "running" - 1 WHERE "id" = %s{condition}', [line_id])
