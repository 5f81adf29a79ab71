"""One worker process, from start to the last lease: slots, heartbeat, reconciler, mail and batches."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from uuid import uuid4

from django.db import close_old_connections, connection
from django.db.models import F

from runs import clock
from runs.conf import conf
from runs.engine.limits.rules import RunSelector, invalidate_rules, rules
from runs.liveness import deregister, hold_liveness_lock
from runs.maintenance.batches.tend import tend_batches
from runs.maintenance.reconcile import reconcile
from runs.maintenance.send_mail import send_mail
from runs.models import Run, Worker
from runs.queue.claim import claim_next, claim_quarantined, has_quarantined
from runs.states import RunStatus
from runs.worker.heartbeat import LOOK_S, Heartbeat
from runs.worker.quarantine import QuarantineWorker
from runs.worker.slots import Claim, Slots

log = logging.getLogger(__name__)

_THOROUGH_EVERY = 30  # sweeps between two recounts of the lanes
_ABORT_S = 0.75  # time to record an aborted call


class WorkerProcess:
    """What `rqworker` runs, with or without Redis."""

    def __init__(
        self,
        queues: Sequence[str],
        *,
        slots: int | None = None,
        name: str | None = None,
        claim: Claim = claim_next,
        only_quarantined: bool = False,
        quarantine: QuarantineWorker | None = None,
    ) -> None:
        """Shape: with `only_quarantined`, take only quarantined runs; `quarantine` starts such a process."""
        self.id = uuid4()
        self.name = name or f"{socket.gethostname()}:{os.getpid()}"
        self.queues = list(queues)
        count, how = slots or conf().slots, claim_quarantined if only_quarantined else claim
        self.slots = Slots(self.queues, count, worker_id=self.id, worker_name=self.name, claim=how)
        self._only_quarantined, self._quarantine = only_quarantined, quarantine
        self.ended = threading.Event()
        self.heartbeat = Heartbeat(self.id, self.slots)
        self._sweeps = 0

    def start(self) -> None:
        """Register and start working; doorbells only make it look sooner."""
        hold_liveness_lock(self.id)
        now = clock.now()
        Worker.objects.create(
            id=self.id,
            name=self.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=self.queues,
            slots=self.slots.count,
            started_at=now,
            heartbeat_at=now,
        )
        connection.close()
        self.slots.start()
        self._every(min(LOOK_S, conf().heartbeat_s), self.heartbeat.look, "heartbeat")
        self._every(conf().sweep_s, self._sweep, "reconciler")
        if not self._only_quarantined:  # a quarantine process may well be killed by its run, and mails with it
            self._every(conf().sweep_s, self._send_mail, "mail")
            self._every(conf().sweep_s, self._tend_batches, "batches")

    def wake(self) -> None:
        """Answer a doorbell: there is a new run, or something no longer holds runs."""
        invalidate_rules()
        self.slots.wake()

    def work_until_done(self) -> None:
        """Work until no run of these queues is queued, running or retrying, except those held by a pause."""
        while not self.slots.draining.is_set():
            self.slots.wake()
            if self.slots.wait_until_idle(conf().sweep_s) and not self._has_work():
                break
            time.sleep(0.05)  # a burst worker has nothing left to hold up

    def stop(self, grace_s: float) -> None:
        """Drain: finish the steps in flight within the grace, then abort calls and release the runs still held."""
        self.slots.drain()
        if self._quarantine:
            self._quarantine.stop(grace_s)
        Worker.objects.filter(pk=self.id).update(draining=True)
        if not self.slots.wait_until_empty(grace_s):
            log.warning("grace of %g s is over: %s runs are stopped in mid-step", grace_s, len(self.slots.leases))
            self.slots.leases.abort()
            if not self.slots.wait_until_empty(_ABORT_S):
                self.slots.leases.give_back()
        self.ended.set()
        Worker.objects.filter(pk=self.id).update(stopped_at=clock.now(), held=0)
        deregister(self.id)
        connection.close()

    def _has_work(self) -> bool:
        if self._only_quarantined:
            return has_quarantined(self.queues)
        unfinished = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.RETRYING)
        runs = Run.objects.filter(queue__in=self.queues, status__in=unfinished)
        capped = runs.filter(status=RunStatus.QUEUED, queue_lane__cap__lte=F("queue_lane__running"))
        for queue in self.queues:
            for pause in rules().of_queue(queue).pauses:
                runs = runs.exclude(RunSelector.of(pause).query(), queue=queue, status=RunStatus.QUEUED)
        return runs.exclude(pk__in=capped.values("pk")).exists()

    def _every(self, interval_s: float, work: Callable[[], None], name: str) -> None:
        """Call `work` at an interval, in a thread that survives every error."""

        def loop() -> None:
            while not self.ended.wait(interval_s):
                try:
                    work()
                except Exception:
                    log.exception("%s failed; it goes on", name)
                    connection.close()
            connection.close()  # otherwise the ended thread keeps its connection of the pool

        threading.Thread(target=loop, name=name, daemon=True).start()

    def _sweep(self) -> None:
        close_old_connections()
        self._sweeps += 1
        reconcile(thorough=self._sweeps % _THOROUGH_EVERY == 1)
        if self._quarantine and not self.slots.draining.is_set():
            self._quarantine.start_if_needed()
        self.slots.wake()  # look without a doorbell: one may have been lost
        connection.close()

    def _send_mail(self) -> None:
        """Send mails in a separate thread: a silent mail server must not delay a rescue."""
        close_old_connections()
        send_mail(go_on=lambda: not self.slots.draining.is_set())
        connection.close()

    def _tend_batches(self) -> None:
        """Tend batches in a separate thread: a slow provider must not delay a rescue."""
        close_old_connections()
        tend_batches(go_on=lambda: not self.slots.draining.is_set())
        connection.close()
