"""Commit exactly once although the connection breaks: find out whether a transaction committed, else repeat it.

If COMMIT was sent and got no answer, the transaction may or may not have committed. Repeating it blindly doubles
money and events; giving up loses the result of an effect that has happened.
"""

import logging
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection, transaction

from runs.engine.lease import Lease, LeaseLostError
from runs.models import Run, RunEvent

log = logging.getLogger(__name__)

_PAUSE_S = 0.2


def commit_with_retry(write: Callable[[], None], run: Run, lease: Lease, *, emits: bool) -> None:
    """Do a write of this claim exactly once; if the connection breaks, retry until the lease expires.

    `emits` says whether the write adds an event of ours; one that does not is safe to repeat. Inside an outer
    transaction there is only one try, since that transaction must be repeated as a whole.
    Raises: what `write` raises; LeaseLostError if the lease expires in the meantime.
    """
    if connection.in_atomic_block:
        write()
        return
    broken = False
    while True:
        try:
            if not (broken and emits and _was_committed(run, lease)):
                write()
            return
        except (OperationalError, InterfaceError) as error:
            log.warning("run %s: a write failed (%s); looking what became of it", lease.run_id, error)
            broken = True
            connection.close()
            lease.check_held()
            time.sleep(_PAUSE_S)  # the one write of this run must land; nothing else can go on without the database


@transaction.atomic
def _was_committed(run: Run, lease: Lease) -> bool:
    """Say whether the write was committed. The lock waits for a commit still in progress.

    Raises: LeaseLostError if the run was claimed again.
    """
    held = Run.objects.select_for_update().filter(pk=run.pk, fence=lease.fence)
    newest = held.values_list("event_seq", flat=True).first()
    if newest is None:
        raise LeaseLostError(f"run {run.pk}: another worker has claimed it")
    landed = RunEvent.objects.filter(run=run, seq__gt=run.event_seq, actor=lease.worker_name).exists()
    run.event_seq = newest
    return landed
