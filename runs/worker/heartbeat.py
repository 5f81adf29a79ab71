"""The heartbeat: renew the leases of a worker, give up hung steps, and notice cancel requests."""

import logging
import threading
from uuid import UUID

from runs import clock
from runs.conf import conf
from runs.models import Worker
from runs.worker.slots import Slots

log = logging.getLogger(__name__)

LOOK_S = 0.5  # between two checks for hung steps and cancel requests


class Heartbeat:
    """What a worker's heartbeat thread does; `look` is called every `LOOK_S` seconds."""

    def __init__(self, worker_id: UUID, slots: Slots) -> None:
        self._worker_id, self._slots = worker_id, slots
        self.too_many_hang = threading.Event()  # the supervisor should restart this process
        self._abandoned = 0
        self._next_at = 0.0

    def look(self) -> None:
        """Give up hung steps; renew leases if a heartbeat is due, otherwise only notice cancel requests."""
        self._give_up_hung()
        if clock.monotonic() < self._next_at:
            self._slots.leases.notice_cancelled()
            return
        self._next_at = clock.monotonic() + conf().heartbeat_s - LOOK_S / 2
        self._beat()

    def _beat(self) -> None:
        self._slots.leases.renew()
        Worker.objects.filter(pk=self._worker_id).update(
            heartbeat_at=clock.now(), held=len(self._slots.leases), stopped_at=None, lost=False
        )

    def _give_up_hung(self) -> None:
        hung = self._slots.leases.drop_overdue()
        for lease in hung:
            self._abandoned += 1
            self._slots.replace(lease)
        if self._abandoned >= conf().abandoned_slots_max:
            log.error("%s threads hang: the worker drains and ends", self._abandoned)
            self.too_many_hang.set()
        for lease in hung:
            self._slots.leases.end_lease(lease)
