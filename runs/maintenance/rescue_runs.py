"""Rescue runs whose worker has died: their lease has expired, so any worker may continue them."""

import logging

from django.db import transaction

from runs import clock
from runs.clock import Now
from runs.conf import conf
from runs.engine.finish_claim import finish_claim
from runs.engine.journal import Journal
from runs.engine.lease import Lease
from runs.engine.outcomes import Failed
from runs.errors import CrashLoopError, StaleRunError
from runs.fault_points import fault_point
from runs.models import Run, Worker
from runs.models.moves import Event, Guard, transition
from runs.states import RunStatus

log = logging.getLogger(__name__)


def rescue_runs() -> int:
    """Queue every run whose lease has expired; fail one that keeps crashing workers. Returns how many."""
    dead = Run.objects.filter(status=RunStatus.RUNNING, lease_expires_at__lte=Now())
    rescued = 0
    for run in dead.select_related("tenant", "requested_by"):
        fault_point("reconcile.before")
        try:
            _rescue(run)
            rescued += 1
        except StaleRunError:
            continue  # another reconciler, or the worker itself, was faster
        except Exception:
            log.exception("run %s could not be rescued", run.pk)
    return rescued


def _rescue(run: Run) -> None:
    crashes = run.crashes + 1
    if crashes >= conf().crashes_max:
        _move_to_dead_letters(run, crashes)
        return
    lost = _lost_worker(run)
    with transaction.atomic():
        transition(
            run,
            to=RunStatus.QUEUED,
            events=[Event("run.rescued", {"fence": run.fence, "crashes": crashes} | lost, actor="reconciler")],
            only=Guard(fence=run.fence, lease_expired=True),
            crashes=crashes,
        )
    log.warning("run %s rescued: its worker was lost (crash %s at this step)", run.pk, crashes)


def _lost_worker(run: Run) -> dict[str, str]:
    """Name the worker that held the run, and its last heartbeat. Shape: {worker?, heartbeat_at?}."""
    worker = Worker.objects.filter(pk=run.worker).first() if run.worker else None
    return {"worker": worker.name, "heartbeat_at": worker.heartbeat_at.isoformat()} if worker else {}


def _move_to_dead_letters(run: Run, crashes: int) -> None:
    """Claim the run and fail it, with a dead letter that names the step."""
    now = clock.now()
    transition(run, only=Guard(fence=run.fence, lease_expired=True), fence=run.fence + 1, crashes=crashes)
    lease = Lease(run_id=run.pk, fence=run.fence, claimed_at_db=now, worker_name="reconciler")
    finish_claim(
        Journal(run, lease),
        Failed(CrashLoopError(f"the worker was lost {crashes} times at the same step, the last time in quarantine")),
    )
