"""The claim: take the next run of a queue, in one short transaction, from the database alone.

It happens whenever a slot is free, so its look-ups are made by hand. Ordinary claims never see quarantined
runs: those have no place in the counts of their lane.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from runs import clock
from runs.conf import conf
from runs.engine.lease import Lease
from runs.engine.limits.blocked import blocked
from runs.engine.limits.rules import Rules, merged, rules
from runs.fault_points import fault_point
from runs.models import QueueLane, Run
from runs.models.fair_order import longest_unserved_first
from runs.models.moves import Event, Guard, transition
from runs.models.prepared_statements import prepared_cursor
from runs.models.queue_lane import AGEING_S
from runs.models.sql import RowMapper, Statement
from runs.states import HoldReason, RunStatus

_RUNS = RowMapper(Run, alias="r")
_LANE_HAS_ROOM = Q(queue_lane__cap__isnull=True) | Q(queue_lane__running__lt=F("queue_lane__cap"))
_LAST_SERVICE = 'SELECT MAX("served_at") FROM "runs_queuelane" WHERE "queue" = r."queue"'
# The runs of a lane that any slot may take: nothing holds them.
_READY = 'r."queue_lane_id" = %s AND r."status" = \'queued\' AND r."hold_reason" = \'\''
_HEAD = f'SELECT {{columns}}, {{now}}, ({_LAST_SERVICE}) FROM "runs_run" r WHERE {_READY} ORDER BY r."rank" LIMIT 1'
_SERVED = f'"runs_queuelane"."served_at" - {AGEING_S} * r."priority"'
# A lane's place within its tenant: the later of its head's arrival and its last service, less the head's priority.
_PLACE = f"""
    (SELECT CASE WHEN r."rank" > {_SERVED} THEN r."rank" ELSE {_SERVED} END FROM "runs_run" r
     WHERE {_READY.replace("%s", '"runs_queuelane"."id"')} ORDER BY r."rank" LIMIT 1)
"""
_APART_S = 0.000_001  # what a service is later than the one before at least: SQLite's clock counts milliseconds


def claim_next(queues: Iterable[str], *, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | None:
    """Claim the best runnable run of the first queue that has one; None if none has."""
    for queue in queues:
        present = rules().of_queue(queue)
        servable = _servable(queue, present)
        look = Statement(f"SELECT 1 {servable.text} LIMIT 1", servable.params)
        while _first(look):  # a cheap look that takes no lock
            claimed = _claim_from(queue, present, worker_id, worker_name)
            if claimed is None:
                break
            if isinstance(claimed, tuple):
                return claimed
    return None


def claim_quarantined(queues: Iterable[str], *, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | None:
    """Claim a run that took workers down. Only for a worker that holds nothing else, and will not meanwhile."""
    for queue in queues:
        if _quarantined([queue]).exists():
            with transaction.atomic():
                free = _admitted(queue, lock=True).select_related("queue_lane")
                free = free.select_for_update(skip_locked=True, of=("self", "queue_lane"))
                run = longest_unserved_first(free, "rank").first()
                if run:
                    now = clock.now()
                    return _take(run, now, worker_id, worker_name, served_at=now.timestamp())
    return None


def has_quarantined(queues: Iterable[str]) -> bool:
    """Say whether a quarantined run of these queues could be claimed now."""
    with_quarantined = _quarantined(queues).order_by().values_list("queue", flat=True).distinct()
    return any(_admitted(queue).exists() for queue in with_quarantined)


def _quarantined(queues: Iterable[str]) -> QuerySet[Run]:
    return Run.objects.filter(queue__in=list(queues), status=RunStatus.QUEUED, hold_reason=HoldReason.QUARANTINE)


def _admitted(queue: str, *, lock: bool = False) -> QuerySet[Run]:
    """Select the quarantined runs that an ordinary claim could take: lanes, limits and pauses have room for them."""
    present = rules().of_queue(queue)
    room = reduce(or_, (one.query() for one in present.overrides), _LANE_HAS_ROOM)
    held = [one.query() for one in merged(one.selector for one in blocked(present, lock=lock))]
    return _quarantined([queue]).filter(room, *(~one for one in held))


@transaction.atomic
def _claim_from(queue: str, present: Rules, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | bool | None:
    """Claim the head of the lane whose turn it is.

    Returns None if every lane is empty, full or being served by somebody else; True if a lane's counts were
    wrong and have been put right, so that another look is worth while.
    """
    lane = _first(_next_lane(queue, present))
    if not lane:
        return None
    # Looked up after the lane is locked: within one statement it would be seen as before the lock.
    head = _first(_locked(Statement(_HEAD.format(columns=_RUNS.columns, now=clock.sql()), [lane[0]])))
    if not head:
        return recount(lane[0]) or None
    *columns, moment, last_service = head
    now = clock.read(moment)
    served_at = max(now.timestamp(), last_service + _APART_S)
    return _take(_RUNS.read(columns), now, worker_id, worker_name, served_at=served_at)


def _take(run: Run, now: datetime, worker_id: UUID, worker_name: str, *, served_at: float) -> tuple[Run, Lease]:
    """Move the run to `running` under a new fence and lease, and send its lane to the back. Units: Unix time."""
    before = clock.monotonic()
    transition(
        run,
        to=RunStatus.RUNNING,
        events=[Event("run.claimed", {"fence": run.fence + 1}, actor=worker_name)],
        only=Guard(fence=run.fence),
        served_at=served_at,
        fence=run.fence + 1,
        worker=worker_id,
        lease_expires_at=now + timedelta(seconds=conf().lease_s),
        started_at=run.started_at or now,
    )
    fault_point("claim.before")
    lease = Lease(
        run_id=run.pk,
        fence=run.fence,
        claimed_at_db=now,
        worker_name=worker_name,
        budget_s=run.timeout_s - run.running_s,
        claimed_at=before,
        valid_until=before + conf().lease_s,
    )
    return run, lease


def _next_lane(queue: str, present: Rules) -> Statement:
    """Find the tenant that is next and the best of its lanes, past those that somebody else serves; lock both."""
    servable = _servable(queue, present, lock=True)
    tenant = _locked(
        Statement(f'SELECT "tenant_id" {servable.text} ORDER BY "turn_ended_at", "id" LIMIT 1', servable.params)
    )
    text = f'SELECT "id" {servable.text} AND "tenant_id" = ({tenant.text}) ORDER BY {_PLACE} LIMIT 1'
    return _locked(Statement(text, [*servable.params, *tenant.params]))


def _servable(queue: str, present: Rules, *, lock: bool = False) -> Statement:
    """Build FROM and WHERE of the lanes from which a run may start now.

    A lane needs work and room under its cap, unless a limit stands in for the cap; no pause or full limit holds it.
    """
    lifted = [one.condition() for one in present.overrides]
    held = [one.condition() for one in merged(one.selector for one in blocked(present, lock=lock))] if present else []
    room = " OR ".join(['"cap" IS NULL', '"running" < "cap"', *(f"({one.text})" for one in lifted)])
    holds = "".join(f" AND NOT ({one.text})" for one in held)
    params = [param for one in (*lifted, *held) for param in one.params]
    return Statement(f'FROM "runs_queuelane" WHERE "queue" = %s AND "queued" > 0 AND ({room}){holds}', [queue, *params])


def _locked(look: Statement) -> Statement:
    """Lock the rows that a query finds, past those that somebody else has locked, if the database can."""
    can_skip = connection.features.has_select_for_update_skip_locked
    return Statement(f"{look.text} FOR UPDATE SKIP LOCKED", look.params) if can_skip else look


def _first(look: Statement) -> Any:
    """Return the row that a statement finds first; None if it finds none."""
    with prepared_cursor() as cursor:
        cursor.execute(look.text, look.params)
        return cursor.fetchone()


def recount(lane_id: int) -> bool:
    """Put a lane's counts right; say whether they were wrong. The lane is locked by the caller."""
    lane = QueueLane.objects.get(pk=lane_id)
    runs = Run.objects.filter(queue_lane=lane)
    queued = runs.filter(status=RunStatus.QUEUED, hold_reason="").count()
    running = runs.filter(status=RunStatus.RUNNING).count()
    wrong = (queued, running) != (lane.queued, lane.running)
    if wrong:
        QueueLane.objects.filter(pk=lane_id).update(queued=queued, running=running)
    return wrong
