"""The claim: take the next run of a queue, in one short transaction, from the database alone.

It happens whenever a slot is free, so its look-ups are made by hand. Ordinary claims never see the runs that must be
tried alone: those have no place in the counts of their line.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from runs import clock
from runs.conf import conf
from runs.engine.lease import Lease
from runs.fault_points import fault_point
from runs.models import Line, Run
from runs.models.line import READY, set_turn
from runs.models.moves import Event, If, change
from runs.models.prepared import prepared_cursor
from runs.models.sql import Reader
from runs.states import RunStatus

_RUNS = Reader(Run, alias="r")
_SERVABLE = """
    FROM "runs_line" WHERE "queue" = %s AND "queued" > 0 AND ("cap" IS NULL OR "running" < "cap")
"""
_LOOK = f"SELECT 1 {_SERVABLE} LIMIT 1"
_LINE = f'SELECT "id" {_SERVABLE} ORDER BY "key" LIMIT 1'
_HEAD = f'SELECT {{columns}}, {{now}} FROM "runs_run" r WHERE {READY} ORDER BY r."rank" LIMIT 1'


def claim_next(queues: Iterable[str], *, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | None:
    """Claim the best runnable run of the first queue that has one; None if none has."""
    for queue in queues:
        while _first(_LOOK, queue):  # a cheap look that takes no lock
            claimed = _claim_from(queue, worker_id, worker_name)
            if claimed is None:
                break
            if isinstance(claimed, tuple):
                return claimed
    return None


def claim_alone(queues: Iterable[str], *, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | None:
    """Claim a run that took workers down. Only for a worker that holds nothing else, and will not meanwhile."""
    for queue in queues:
        suspects = waiting_alone([queue])
        if suspects.exists():
            with transaction.atomic():
                locked = suspects.select_related("line").select_for_update(skip_locked=True, of=("self", "line"))
                run = locked.order_by("rank").first()
                if run:
                    return _take(run, clock.now(), worker_id, worker_name)
    return None


def waiting_alone(queues: Iterable[str]) -> QuerySet[Run]:
    """The queued runs of these queues that must be tried alone and whose line has room."""
    room = Q(line__cap__isnull=True) | Q(line__running__lt=F("line__cap"))
    return Run.objects.filter(room, queue__in=list(queues), status=RunStatus.QUEUED, alone=True, held_by=None)


@transaction.atomic
def _claim_from(queue: str, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | bool | None:
    """Claim the head of the line whose turn it is.

    Returns None if every line is empty, full or being served by somebody else; True if a line's counts were
    wrong and have been put right, so that another look is worth while.
    """
    line = _first(_locked(_LINE), queue)
    if not line:
        return None
    # Looked up after the line is locked: within one statement it would be seen as before the lock.
    head = _first(_locked(_HEAD.format(columns=_RUNS.columns, now=clock.sql())), line[0])
    if not head:
        return recount(line[0]) or None
    return _take(_RUNS.read(head), clock.read(head[-1]), worker_id, worker_name)


def _take(run: Run, now: datetime, worker_id: UUID, worker_name: str) -> tuple[Run, Lease]:
    """Move the run to `running` under a new fence and lease, and send its line to the back."""
    before = clock.monotonic()
    change(
        run,
        to=RunStatus.RUNNING,
        events=[Event("run.claimed", {"fence": run.fence + 1}, actor=worker_name)],
        only=If(fence=run.fence),
        served_at=now.timestamp(),
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


def _locked(text: str) -> str:
    """Lock the rows that a query finds, past those that somebody else has locked, if the database can."""
    return f"{text} FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else text


def _first(text: str, param: Any) -> Any:
    """Return the row that a statement finds first; None if it finds none."""
    with prepared_cursor() as cursor:
        cursor.execute(text, [param])
        return cursor.fetchone()


def recount(line_id: int) -> bool:
    """Put a line's counts right; say whether they were wrong. The line is locked by the caller."""
    line = Line.objects.get(pk=line_id)
    runs = Run.objects.filter(line=line)
    queued = runs.filter(status=RunStatus.QUEUED, alone=False, held_by=None).count()
    running = runs.filter(status=RunStatus.RUNNING).count()
    wrong = (queued, running) != (line.queued, line.running)
    if wrong:
        Line.objects.filter(pk=line_id).update(queued=queued, running=running)
        set_turn(line_id)
    return wrong
