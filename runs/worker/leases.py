"""The leases that one process holds and renews together."""

import logging
import threading
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import F, Q

from runs import clock
from runs.clock import Now
from runs.conf import conf
from runs.engine.lease import Lease
from runs.errors import StaleRunError
from runs.models import Run
from runs.models.moves import Event, Guard, transition
from runs.states import RunStatus

log = logging.getLogger(__name__)


class Leases:
    """All runs that this process holds. Used by the slots and by the heartbeat."""

    def __init__(self, worker_id: UUID) -> None:
        self._worker_id = worker_id
        self._held: dict[tuple[UUID, int], Lease] = {}
        self._lock = threading.Lock()
        self._renewing = threading.Lock()

    def add(self, lease: Lease) -> None:
        """Add the lease of a run that was just claimed."""
        with self._lock:
            self._held[lease.run_id, lease.fence] = lease

    def remove(self, lease: Lease) -> None:
        """Remove the lease of a run that was released."""
        with self._lock:
            self._held.pop((lease.run_id, lease.fence), None)

    def all(self) -> list[Lease]:
        """Return the leases held now."""
        with self._lock:
            return list(self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    def ask_to_release(self) -> None:
        """Ask every run to stop at its next boundary."""
        for lease in self.all():
            lease.release.set()

    def abort(self) -> None:
        """Make every run stop in mid-call, once the grace is over."""
        for lease in self.all():
            lease.abort.set()

    def drop_overdue(self) -> list[Lease]:
        """Give up the leases whose step or run is past its deadline; their late results are fenced off."""
        with self._lock:  # a thread that returns at this moment removes its lease first, or sees the flag
            overdue = [lease for lease in self._held.values() if lease.overdue]
            for lease in overdue:
                lease.abandoned = True
                lease.lost.set()
                del self._held[lease.run_id, lease.fence]
        for lease in overdue:
            log.error("run %s: a step outlived its deadline; its thread is abandoned", lease.run_id)
        return overdue

    def end_lease(self, lease: Lease) -> None:
        """Let the next sweep rescue a hung run without waiting for its lease to expire; its time still counts."""
        run = Run.objects.filter(pk=lease.run_id, fence=lease.fence, status=RunStatus.RUNNING, worker=self._worker_id)
        with self._renewing:  # a concurrent renewal could extend the lease after its end
            run.update(lease_expires_at=Now(), running_s=F("running_s") + lease.counted_s)
            self.remove(lease)

    def notice_cancelled(self) -> None:
        """Check for cancel requests between two heartbeats."""
        held = {(lease.run_id, lease.fence): lease for lease in self.all()}
        if not held:
            return
        asked = Run.objects.filter(
            pk__in=[pk for pk, _ in held], cancel_requested_at__isnull=False, cancel_gently=False
        )
        for claim in asked.values_list("pk", "fence"):
            if claim in held:
                held[claim].cancel.set()

    def renew(self) -> None:
        """Renew all leases in one statement; notice lost leases and cancel requests."""
        with self._renewing:
            if held := self.all():
                self._renew(held)

    def give_back(self) -> int:
        """Queue the runs still held when the process must end; begun steps are recovered by their effect class."""
        given = 0
        for lease in self.all():
            lease.lost.set()
            run = Run.objects.get(pk=lease.run_id)
            try:
                transition(
                    run,
                    to=RunStatus.QUEUED,
                    events=[Event("run.released", actor=lease.worker_name)],
                    only=Guard(fence=lease.fence),
                    running_s=run.running_s + lease.counted_s,
                )
            except StaleRunError:
                continue  # it ended by itself at this moment
            given += 1
        return given

    def _renew(self, held: list[Lease]) -> None:
        before = clock.monotonic()
        mine = reduce(or_, (Q(pk=lease.run_id, fence=lease.fence) for lease in held))
        running = Run.objects.filter(mine, status=RunStatus.RUNNING, worker=self._worker_id)
        running.update(lease_expires_at=clock.in_seconds(conf().lease_s))
        rows = running.values_list("pk", "fence", "cancel_requested_at", "cancel_gently")
        present = {(pk, fence): bool(asked and not gently) for pk, fence, asked, gently in rows}
        for lease in held:
            if (lease.run_id, lease.fence) not in present:
                lease.lost.set()
                continue
            lease.valid_until = before + conf().lease_s
            if present[lease.run_id, lease.fence]:
                lease.cancel.set()
