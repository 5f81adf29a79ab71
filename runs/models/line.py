"""Waiting lines: the queued and running runs of one queue, tenant and job type, counted.

A claim reads one row here instead of counting runs: counting without a lock over-admits, and counting
with one is slow. Every move of a run adjusts its line in the same transaction; the reconciler repairs a
line whose counts disagree with its runs.
"""

from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models import F, Q

from runs.models.sql import Statement, given
from runs.models.tenant import Tenant
from runs.states import RunStatus

if TYPE_CHECKING:
    from runs.models.run import Run

AGEING_S = 60.0  # one level of priority is worth so many seconds of waiting


class Line(models.Model):
    """One waiting line. The smallest `key` among lines with work and room is served next."""

    queue = models.CharField(max_length=64)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="lines")
    job_type = models.CharField(max_length=100)
    cap = models.PositiveIntegerField(null=True, blank=True, help_text="Runs at once; empty: no cap.")
    queued = models.IntegerField(
        default=0, help_text="Those that any slot may take: not one to be tried alone, or held back."
    )
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


def moved(
    run: "Run",
    before: RunStatus | None,
    after: RunStatus,
    *,
    stands_back: bool = False,
    served_at: float | None = None,
    only_with: str | None = None,
) -> Statement | None:
    """Build the UPDATE by which a line follows the move of its run: counts and turn. None if neither changes.

    A queued run that stands back (to be tried alone, or held by a gate) is not counted: no ordinary claim takes it.
    Units: `served_at` is Unix time, given when the run was just claimed. With `only_with`, the name of a query:
    only if that has a row.
    """
    left = before == RunStatus.QUEUED and not run.stands_back
    joins = after == RunStatus.QUEUED and not stands_back
    running = (after == RunStatus.RUNNING) - (before == RunStatus.RUNNING)
    if left == joins and not running:
        return None
    text, params = '"queued" = "queued" + %s, "running" = "running" + %s', [joins - left, running]
    if left != joins or served_at is not None:
        turn = _turn(_heads_besides(run, joins=joins), served_at)
        text, params = f"{text}, {turn.text}", [*params, *turn.params]
    condition = f" AND EXISTS (SELECT 1 FROM {only_with})" if only_with else ""
    return Statement(f'UPDATE "runs_line" SET {text} WHERE "id" = %s{condition}', [*params, run.line_id])


def join_line(run: "Run") -> None:
    """Count a run that was just made."""
    statement = moved(run, None, run.state)
    if statement:
        _execute(statement)


def set_turn(line_id: int) -> None:
    """Recompute the line's turn from its head."""
    turn = _turn(Statement(_HEAD.format(besides=""), [line_id]), None)
    _execute(Statement(f'UPDATE "runs_line" SET {turn.text} WHERE "id" = %s', [*turn.params, line_id]))


# The runs of a line that any slot may take: what `Run.stands_back` says, for statements made by hand.
READY = 'r."line_id" = %s AND r."status" = \'queued\' AND NOT r."alone" AND r."held_by_id" IS NULL'
_HEAD = f"""
    SELECT * FROM (
        SELECT r."rank", r."priority" FROM "runs_run" r WHERE {READY} {{besides}} ORDER BY r."rank" LIMIT 1
    ) AS foremost
"""


def _heads_besides(run: "Run", *, joins: bool) -> Statement:
    """Find the line's head, whether the statement sees the run as before its move or as after it."""
    text, params = _HEAD.format(besides='AND r."id" <> %s'), [run.line_id, given(type(run), "id", run.pk)]
    if joins:
        text += " UNION ALL SELECT CAST(%s AS double precision), CAST(%s AS smallint)"
        params += [run.rank, run.priority]
    return Statement(text, params)


def _turn(heads: Statement, served_at: float | None) -> Statement:
    """Set `key`: the later of the head's arrival and the last service, less the head's priority."""
    served, service = ('"served_at"', []) if served_at is None else ("CAST(%s AS double precision)", [served_at])
    turn = f'{served} - {AGEING_S} * head."priority"'
    text = f"""
        "served_at" = {served}, "key" = COALESCE((
            SELECT CASE WHEN head."rank" > {turn} THEN head."rank" ELSE {turn} END
            FROM ({heads.text} ORDER BY 1 LIMIT 1) AS head
        ), "key")
    """
    return Statement(text, [*service * 3, *heads.params])


def _execute(statement: Statement) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
