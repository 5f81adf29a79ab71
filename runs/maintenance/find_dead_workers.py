"""Find dead workers of this host, so that their runs need not wait for the leases to expire."""

import logging
import socket

from runs.clock import Now
from runs.liveness import deregister, is_dead
from runs.models import Run, Worker
from runs.orphans import kill_orphans
from runs.states import RunStatus

log = logging.getLogger(__name__)


def find_dead_workers() -> int:
    """End the leases of workers that are certainly dead; `rescue_runs` rescues their runs. Returns how many."""
    here = Worker.objects.filter(host=socket.gethostname(), stopped_at__isnull=True)
    dead = [worker for worker in here if is_dead(worker.pk)]
    for worker in dead:
        orphans = kill_orphans(worker.pk)  # before another worker continues what they may still be doing
        leases = Run.objects.filter(worker=worker.pk, status=RunStatus.RUNNING).update(lease_expires_at=Now())
        Worker.objects.filter(pk=worker.pk).update(stopped_at=Now(), lost=True, held=0)
        deregister(worker.pk)
        log.warning("worker %s is dead; it held %s runs and left %s processes", worker.name, leases, orphans)
    return len(dead)
