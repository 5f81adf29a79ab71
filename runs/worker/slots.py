"""Slots: threads that each hold one run at a time.

An agent's run mostly waits for the network, and any worker can continue any run. So a thread is enough; a process per
run would cost a fork and its memory for nothing.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from django.db import DatabaseError, connection

from runs.engine.advance import advance
from runs.engine.lease import Lease
from runs.maintenance.wake_timers import wake_successor
from runs.models import Run
from runs.models.run_lock import is_exclusive
from runs.queue.waiting import ring_for_slot_of
from runs.states import ENDED
from runs.worker.leases import Leases

log = logging.getLogger(__name__)

_AFTER_ERROR_S = 1.0

Claim = Callable[..., tuple[Run, Lease] | None]  # the signature of `claim_next`


class Slots:
    """A fixed number of working threads over some queues."""

    def __init__(self, queues: Sequence[str], count: int, *, worker_id: UUID, worker_name: str, claim: Claim) -> None:
        self.queues = tuple(queues)
        self.count = count
        self.leases = Leases(worker_id)
        self.draining = threading.Event()
        self._claim = partial(claim, self.queues, worker_id=worker_id, worker_name=worker_name)
        self._bells = 0
        self._looking = count  # idle slots; 0 when all hold a run
        self._changed = threading.Condition()

    def start(self) -> None:
        """Start all slots."""
        for _ in range(self.count):
            self.open_one()

    def open_one(self) -> None:
        """Start one slot; also to replace one whose thread was abandoned."""
        threading.Thread(target=self._work, name="slot", daemon=True).start()

    def wake(self) -> None:
        """Make one more idle slot look for work."""
        with self._changed:
            self._bells = min(self._bells + 1, self.count)
            self._changed.notify()

    def replace(self, _: Lease) -> None:
        """Open a slot to replace one that hangs in its step."""
        with self._changed:
            self._looking += 1
        self.open_one()

    def drain(self) -> None:
        """Claim nothing more, and stop every run at its next boundary."""
        self.draining.set()
        self.leases.ask_to_release()
        with self._changed:
            self._changed.notify_all()

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Wait until no slot holds a run; False if the time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.leases, timeout_s)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until every slot has looked and found nothing; False if the time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: self._bells == 0 and self._looking == self.count, timeout_s)

    def _work(self) -> None:
        while self._await_bell():
            lease: Lease | None = None
            try:
                while lease := self._hold_one():
                    if lease.abandoned:
                        return  # this thread was given up and replaced
            except Exception:
                log.exception("a slot failed; it goes on")
                connection.close()
                self.draining.wait(_AFTER_ERROR_S)

    def _await_bell(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._bells or self.draining.is_set())
            if self.draining.is_set():
                return False
            self._bells -= 1
            return True

    def _hold_one(self) -> Lease | None:
        """Claim a run and work on it until it ends or waits; return None if there was no run."""
        if self.draining.is_set():
            return None
        with self._changed:
            self._looking -= 1
        abandoned = False
        try:
            claimed = self._claim()
            if claimed is None:
                return None
            run, lease = claimed
            self._hold(run, lease)
            abandoned = lease.abandoned
            return lease
        finally:
            connection.close()
            with self._changed:
                self._looking += not abandoned
                self._changed.notify_all()

    def _hold(self, run: Run, lease: Lease) -> None:
        self.leases.add(lease)
        try:
            if self.draining.is_set():
                lease.release.set()
            self.wake()  # there may be more runs
            advance(run, lease)
        except BaseException:  # a tool may raise SystemExit, which must not lose this thread or its run
            log.exception("run %s: its slot failed; it goes on", run.pk)
            self._let_others_go_on(lease)
        finally:
            self.leases.remove(lease)
        on_slot_released(run, self.queues)

    def _let_others_go_on(self, lease: Lease) -> None:
        """End the lease of a run that no thread works on any more, so that the next sweep rescues it."""
        connection.close()
        try:
            self.leases.end_lease(lease)
        except DatabaseError:
            log.warning("run %s waits for the end of its lease: the database is away", lease.run_id)


def on_slot_released(run: Run, served: Sequence[str]) -> None:
    """Release runs that waited for this run's end, or for its slot in queues that are not served here."""
    try:
        if run.state in ENDED and is_exclusive(run):
            wake_successor(run)
        ring_for_slot_of(run, besides=served)
    except DatabaseError:
        log.warning("run %s is released; the next sweep finds the runs that wait for it", run.pk)
