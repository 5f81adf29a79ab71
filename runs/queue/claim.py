"""The claim: take the next run of a queue, in one short transaction, from the database alone."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from runs import clock
from runs.conf import conf
from runs.engine.lease import Lease
from runs.fault_points import fault_point
from runs.models import Line, Run
from runs.models.line import serve, set_turn
from runs.models.moves import Event, change
from runs.states import RunStatus


def claim_next(queues: Iterable[str], *, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | None:
    """Claim the best runnable run of the first queue that has one; None if none has."""
    for queue in queues:
        while _servable(queue).exists():  # a cheap look that takes no lock
            claimed = _claim_from(queue, worker_id, worker_name)
            if claimed is None:
                break
            if isinstance(claimed, tuple):
                return claimed
    return None


def _servable(queue: str) -> QuerySet[Line]:
    room = Q(cap__isnull=True) | Q(running__lt=F("cap"))
    return Line.objects.filter(room, queue=queue, queued__gt=0)


@transaction.atomic
def _claim_from(queue: str, worker_id: UUID, worker_name: str) -> tuple[Run, Lease] | bool | None:
    """Claim the head of the line whose turn it is.

    Returns None if every line is empty, full or being served by somebody else; True if a line's counts were
    wrong and have been put right, so that another look is worth while.
    """
    line = _servable(queue).select_for_update(skip_locked=True).order_by("key").first()
    if line is None:
        return None
    run = (
        Run.objects.filter(line=line, status=RunStatus.QUEUED)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("rank")
        .first()
    )
    if run is None:
        return recount(line) or None
    return _take(run, worker_id, worker_name)


def _take(run: Run, worker_id: UUID, worker_name: str) -> tuple[Run, Lease]:
    """Move the run to `running` under a new fence and lease, and send its line to the back."""
    before, now = clock.monotonic(), clock.now()
    change(
        run,
        to=RunStatus.RUNNING,
        events=[Event("run.claimed", {"fence": run.fence + 1}, actor=worker_name)],
        if_fence=run.fence,
        fence=run.fence + 1,
        worker=worker_id,
        lease_expires_at=now + timedelta(seconds=conf().lease_s),
        started_at=run.started_at or now,
    )
    serve(run.line_id, now.timestamp())
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


def recount(line: Line) -> bool:
    """Put a line's counts right; say whether they were wrong. The line is locked by the caller."""
    runs = Run.objects.filter(line=line)
    queued = runs.filter(status=RunStatus.QUEUED).count()
    running = runs.filter(status=RunStatus.RUNNING).count()
    wrong = (queued, running) != (line.queued, line.running)
    if wrong:
        Line.objects.filter(pk=line.pk).update(queued=queued, running=running)
        set_turn(line.pk)
    return wrong
