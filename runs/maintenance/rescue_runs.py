"""Find dead workers and rescue their runs: the lease has expired, so any worker may continue them."""

import logging
import socket

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
from runs.liveness import deregister, is_dead
from runs.models import Run, Worker
from runs.models.moves import Event, Guard, transition
from runs.orphans import kill_orphans
from runs.states import RunStatus

log = logging.getLogger(__name__)


def find_dead_workers() -> int:
    """End the leases of workers that are certainly dead; `rescue_runs` queues their runs. Returns how many."""
    here = Worker.objects.filter(host=socket.gethostname(), stopped_at__isnull=True)
    dead = [worker for worker in here if is_dead(worker.pk)]
    for worker in dead:
        orphans = kill_orphans(worker.pk)  # before another worker continues what they may still be doing
        leases = Run.objects.filter(worker=worker.pk, status=RunStatus.RUNNING).update(lease_expires_at=Now())
        Worker.objects.filter(pk=worker.pk).update(stopped_at=Now(), lost=True, held=0)
        deregister(worker.pk)
        log.warning("worker %s is dead; it held %s runs and left %s processes", worker.name, leases, orphans)
    return len(dead)


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
