"""Lanes: the queued and running runs of one queue, tenant and job type, counted.

A claim reads one row here instead of counting runs: counting without a lock over-admits, and counting
with one is slow. Every move of a run adjusts its lane in the same transaction; the reconciler repairs a
lane whose counts disagree with its runs.
"""

from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models import F, Q

from runs.models.sql import Statement, adapt
from runs.models.tenant import Tenant
from runs.states import RunStatus

if TYPE_CHECKING:
    from runs.models.run import Run

AGEING_S = 60.0  # one level of priority is worth this many seconds of waiting


class QueueLane(models.Model):
    """One lane.

    Tenants take turns in a queue: next is the one whose last turn ended longest ago, and a turn is as many runs as its
    weight. Within the tenant the lanes take turns too, by the priority of their heads. Nothing that a client chooses
    counts between tenants.
    """

    queue = models.CharField(max_length=64)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="lanes")
    job_type = models.CharField(max_length=100)
    cap = models.PositiveIntegerField(null=True, blank=True, help_text="Runs at once; empty: no cap.")
    queued = models.IntegerField(
        default=0, help_text="Those that any slot may take: neither quarantined nor held back."
    )
    running = models.IntegerField(default=0)
    served_at = models.FloatField(default=0.0, help_text="When a run of it was last claimed, Unix time.")
    turn_ended_at = models.FloatField(
        default=0.0, db_default=0.0, help_text="When its tenant's last turn in the queue ended, Unix time."
    )
    turn_runs = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Runs that its tenant has started in the present turn."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "tenant", "job_type"], name="one_lane_each"),
            models.CheckConstraint(condition=Q(queued__gte=0) & Q(running__gte=0), name="lane_counts_not_negative"),
        ]
        indexes = [
            models.Index(fields=["queue", "turn_ended_at", "id"], name="lane_in_turn", condition=Q(queued__gt=0)),
            models.Index(fields=["queue", "served_at"], name="lane_last_served"),
        ]

    def __str__(self) -> str:
        return f"{self.queue}/{self.tenant_id}/{self.job_type}"


ROOM = Q(cap__isnull=True) | Q(running__lt=F("cap"))  # one more run may start


def lane_for(*, queue: str, tenant: Tenant, job_type: str, cap: int | None) -> QueueLane:
    """Find or make the lane, and bring its cap up to date with the declaration."""
    lane, made = QueueLane.objects.get_or_create(queue=queue, tenant=tenant, job_type=job_type, defaults={"cap": cap})
    if not made and lane.cap != cap:
        QueueLane.objects.filter(pk=lane.pk).update(cap=cap)
    return lane


def rank_of(created_at: float, priority: int) -> float:
    """Rank a run within its lane: older first, each level of priority worth a minute."""
    return created_at - AGEING_S * priority


def lane_update(
    run: "Run",
    before: RunStatus | None,
    after: RunStatus,
    *,
    is_held: bool = False,
    served_at: float | None = None,
    only_with: str | None = None,
) -> Statement | None:
    """Build the UPDATE by which a lane follows the move of its run: counts and turn. None if neither changes.

    A queued run that is held (quarantined, or held by an open circuit) is not counted: no ordinary claim takes it.
    Units: `served_at` is Unix time, given when the run was just claimed. With `only_with`, the name of a query:
    only if that has a row.
    """
    left = before == RunStatus.QUEUED and not run.hold_reason
    joins = after == RunStatus.QUEUED and not is_held
    running = (after == RunStatus.RUNNING) - (before == RunStatus.RUNNING)
    if left == joins and not running:
        return None
    text = '"queued" = "queued" + %s, "running" = "running" + %s'
    params: list[float] = [joins - left, running]
    if served_at is not None:
        text, params = f'{text}, "served_at" = {_DOUBLE}, {_END_OF_TURN}', [*params, served_at, served_at]
    elif joins and not left:
        text = f"{text}, {_TURN_OF_TENANT}"
    condition = f" AND EXISTS (SELECT 1 FROM {only_with})" if only_with else ""
    return Statement(f'UPDATE "runs_queuelane" SET {text} WHERE "id" = %s{condition}', [*params, run.queue_lane_id])


def sibling_lanes_update(run: "Run", served_at: float, *, only_with: str | None = None) -> Statement:
    """Build the UPDATE that counts a claim in the turn of the tenant's other lanes with work. Shape: as `lane_update`.

    Lanes that another claim works on are left as they are, until a run joins them: waiting for them while this one is
    locked would deadlock with the claim that waits the other way round.
    """
    lock = "FOR NO KEY UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    condition = f" AND EXISTS (SELECT 1 FROM {only_with})" if only_with else ""
    text = f"""
        UPDATE "runs_queuelane" SET {_END_OF_TURN} WHERE "id" IN (
            SELECT s."id" FROM "runs_queuelane" s
            WHERE s."queue" = %s AND s."tenant_id" = %s AND s."id" <> %s AND s."queued" > 0 {lock}
        ){condition}
    """
    return Statement(text, [served_at, run.queue, adapt(type(run), "tenant_id", run.tenant_id), run.queue_lane_id])


def join_lane(run: "Run") -> None:
    """Count a run that was just made."""
    statement = lane_update(run, None, run.state)
    if statement:
        with connection.cursor() as cursor:
            cursor.execute(statement.text, statement.params)


_DOUBLE = "CAST(%s AS double precision)"
_WEIGHT = '(SELECT t."weight" FROM "runs_tenant" t WHERE t."id" = "runs_queuelane"."tenant_id")'
_END_OF_TURN = f"""
    "turn_runs" = CASE WHEN "turn_runs" + 1 < {_WEIGHT} THEN "turn_runs" + 1 ELSE 0 END,
    "turn_ended_at" = CASE WHEN "turn_runs" + 1 < {_WEIGHT} THEN "turn_ended_at" ELSE {_DOUBLE} END
"""
# A lane without work is not brought up to date with the others of its tenant: a run that joins it does.
_TURN_OF_TENANT = """
    ("turn_ended_at", "turn_runs") = (
        SELECT l."turn_ended_at", l."turn_runs" FROM "runs_queuelane" l
        WHERE l."queue" = "runs_queuelane"."queue" AND l."tenant_id" = "runs_queuelane"."tenant_id"
        ORDER BY l."turn_ended_at" DESC, l."turn_runs" DESC LIMIT 1
    )
"""
