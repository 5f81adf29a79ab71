"""Lanes: the queued and running runs of one queue, tenant and job type, counted.

A claim reads one row here instead of counting runs: counting without a lock over-admits, and counting
with one is slow. Every move of a run adjusts its lane in the same transaction; the reconciler repairs a
lane whose counts disagree with its runs.
"""

from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models import F, Q

from runs.models.sql import Statement, adapt
from runs.models.tenant import NORMAL_PRIORITY, Tenant
from runs.states import RunStatus

if TYPE_CHECKING:
    from runs.models.run import Run

AGEING_S = 60.0  # one level of priority is worth this many seconds of waiting


class QueueLane(models.Model):
    """One lane.

    The tenant of the smallest `key` among lanes with work and room has its turn, and of its lanes that of the smallest
    `place`. What a client may choose counts in `place` alone, so that it never ranks before other tenants.
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
    key = models.FloatField(default=0.0, help_text="Turn among tenants: the head's age, or the tenant's last service.")
    place = models.FloatField(
        default=0.0, db_default=0.0, help_text="Turn within the tenant: age and priority of the head, or last service."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "tenant", "job_type"], name="one_lane_each"),
            models.CheckConstraint(condition=Q(queued__gte=0) & Q(running__gte=0), name="lane_counts_not_negative"),
        ]
        indexes = [
            models.Index(fields=["queue", "key"], name="lane_in_turn", condition=Q(queued__gt=0)),
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
    text, params = '"queued" = "queued" + %s, "running" = "running" + %s', [joins - left, running]
    if left != joins or served_at is not None:
        turn = _turn(_heads_besides(run, joins=joins), served_at)
        text, params = f"{text}, {turn.text}", [*params, *turn.params]
    condition = f" AND EXISTS (SELECT 1 FROM {only_with})" if only_with else ""
    return Statement(f'UPDATE "runs_queuelane" SET {text} WHERE "id" = %s{condition}', [*params, run.queue_lane_id])


def sibling_lanes_update(run: "Run", served_at: float, *, only_with: str | None = None) -> Statement:
    """Build the UPDATE that moves the other lanes of a tenant back when one is served. Shape: as `lane_update`.

    Lanes that another claim works on are left as they are: waiting for them while this one is locked would
    deadlock with the claim that waits the other way round.
    """
    turn = _turn(Statement(_HEAD_OF_ROW, []), None, tenant_served_at=served_at)
    lock = "FOR NO KEY UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    condition = f" AND EXISTS (SELECT 1 FROM {only_with})" if only_with else ""
    text = f"""
        UPDATE "runs_queuelane" SET {turn.text} WHERE "id" IN (
            SELECT s."id" FROM "runs_queuelane" s
            WHERE s."queue" = %s AND s."tenant_id" = %s AND s."id" <> %s AND s."queued" > 0 {lock}
        ){condition}
    """
    return Statement(text, [*turn.params, run.queue, adapt(type(run), "tenant_id", run.tenant_id), run.queue_lane_id])


def join_lane(run: "Run") -> None:
    """Count a run that was just made."""
    statement = lane_update(run, None, run.state)
    if statement:
        _execute(statement)


def set_turn(lane_id: int) -> None:
    """Recompute the lane's turn from its head."""
    turn = _turn(Statement(_HEAD.format(besides=""), [lane_id]), None)
    _execute(Statement(f'UPDATE "runs_queuelane" SET {turn.text} WHERE "id" = %s', [*turn.params, lane_id]))


# The runs of a lane that any slot may take: nothing holds them.
READY = 'r."queue_lane_id" = %s AND r."status" = \'queued\' AND r."hold_reason" = \'\''
_HEAD = f"""
    SELECT * FROM (
        SELECT r."rank", r."priority" FROM "runs_run" r WHERE {READY} {{besides}} ORDER BY r."rank" LIMIT 1
    ) AS foremost
"""


_HEAD_OF_ROW = _HEAD.format(besides="").replace("%s", '"runs_queuelane"."id"')


def _heads_besides(run: "Run", *, joins: bool) -> Statement:
    """Find the lane's head, whether the statement sees the run as before its move or as after it."""
    text, params = _HEAD.format(besides='AND r."id" <> %s'), [run.queue_lane_id, adapt(type(run), "id", run.pk)]
    if joins:
        text += " UNION ALL SELECT CAST(%s AS double precision), CAST(%s AS smallint)"
        params += [run.rank, run.priority]
    return Statement(text, params)


def _turn(heads: Statement, served_at: float | None, *, tenant_served_at: float | None = None) -> Statement:
    """Set both turns: the later of the head's arrival and the last service, less a minute for each level of priority.

    Among tenants, `key`, it is the service of the tenant, and priority counts as far as an operator has granted it.
    Within the tenant, `place`, it is the service of the lane, and priority counts.

    A head that has come after the queue was last served counts as come just before that: its lane has its turn before
    the one that was served last, however long ago that was, and those that came before it keep theirs.
    """
    served, service = ('"served_at"', []) if served_at is None else (_DOUBLE, [served_at])
    of_tenant = served_at if tenant_served_at is None else tenant_served_at
    tenant = _SERVICE_OF_TENANT if of_tenant is None else f"SELECT {_DOUBLE}"
    came = f'head."rank" + {AGEING_S} * head."priority"'
    since = f'CASE WHEN {came} - last."at" < {_LONGEST_S} THEN ({came} - last."at") / {_LONGEST_S} ELSE 1.0 END'
    arrived = f'CASE WHEN last."at" > 0 AND {came} > last."at" THEN last."at" - 1.0 + {since} ELSE {came} END'
    text = f"""
        "served_at" = {served}, ("key", "place") = (
            SELECT COALESCE(MIN({_later("came.at", "came.tenant")} - {AGEING_S} * came.granted), "key"),
                   COALESCE(MIN({_later("came.at", served)} - {AGEING_S} * came.priority), "place")
            FROM (
                SELECT {arrived} AS at, tenant."at" AS tenant, head."priority" AS priority, {_GRANTED} AS granted
                FROM ({heads.text} ORDER BY 1 LIMIT 1) AS head, ({_LAST_SERVICE}) AS last, ({tenant} AS "at") AS tenant
            ) AS came
        )
    """
    given_tenant = [] if of_tenant is None else [of_tenant]
    return Statement(text, [*service, *service, *service, *heads.params, *given_tenant])


def _later(one: str, other: str) -> str:
    return f"CASE WHEN {one} > {other} THEN {one} ELSE {other} END"


_DOUBLE = "CAST(%s AS double precision)"
_SERVICE_OF_TENANT = """
    SELECT (SELECT MAX(l."served_at") FROM "runs_queuelane" l
            WHERE l."queue" = "runs_queuelane"."queue" AND l."tenant_id" = "runs_queuelane"."tenant_id")
"""
_GRANTED = f"""
    (SELECT CASE WHEN head."priority" <= {NORMAL_PRIORITY} THEN 0
                 WHEN head."priority" < t."cross_tenant_priority" THEN head."priority" - {NORMAL_PRIORITY}
                 ELSE t."cross_tenant_priority" - {NORMAL_PRIORITY} END
     FROM "runs_tenant" t WHERE t."id" = "runs_queuelane"."tenant_id")
"""
_LONGEST_S = 1_000_000.0  # heads that came after the last service keep their order among each other for this long
_LAST_SERVICE = """
    SELECT MAX(l."served_at") AS "at" FROM "runs_queuelane" l WHERE l."queue" = "runs_queuelane"."queue"
"""


def _execute(statement: Statement) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
