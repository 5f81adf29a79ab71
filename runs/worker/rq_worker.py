"""The RQ side of a worker: listen for doorbells. No RQ code runs, and nothing stored in Redis can run code."""

import logging
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from redis.exceptions import RedisError
from rq.exceptions import StopRequested
from rq.worker import Worker

from runs.conf import conf
from runs.queue.doorbell import hear, prepare_again
from runs.worker.process import WorkerProcess

log = logging.getLogger(__name__)

_TTL_S = 20  # RQ waits 15 s less for a job, and 10 s longer than that for Redis itself


class AgentWorker(Worker):
    """RQ's worker by name and options, with a loop of its own: a doorbell wakes the slots of its process.

    RQ's loop also sweeps registries, takes commands and starts schedulers, and calls what it finds there: callbacks,
    web addresses, the names of functions. Anybody with write access to Redis could run anything.
    """

    process: WorkerProcess | None = None
    slots: int | None = None
    grace_s: float | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"serializer": "rq.serializers.JSONSerializer", "worker_ttl": _TTL_S}  # overrides the caller
        super().__init__(*args, **kwargs)
        self.stopping = threading.Event()

    def work(self, burst: bool = False, **_: Any) -> bool:  # type: ignore[override]  # RQ names each option
        """Work until asked to stop; with `burst`, until no run is left. Returns whether it worked at all."""
        own = self.process is None
        if own:
            self.process = WorkerProcess(self.queue_names(), slots=self.slots)
            self.process.start()
        assert self.process is not None
        self._install_signal_handlers()
        try:
            if burst:
                self.process.work_until_done()
            else:
                self._listen()
        except StopRequested:
            pass
        finally:
            if own:
                self.process.stop(conf().grace_s if self.grace_s is None else self.grace_s)
        return True

    def _listen(self, **_: Any) -> None:
        """Wake the process for each bell, until asked to stop."""
        while not self.stopping.is_set():
            try:
                self.hear(wait_s=self.dequeue_timeout)
            except (RedisError, OSError, ValueError) as error:
                log.warning("doorbells are out of order (%s); looking by myself", error)
                self.stopping.wait(1.0)
                with suppress(OSError):
                    prepare_again()

    def hear(self, *, wait_s: int) -> bool:
        """Take one job off the queues; if it is a bell, wake the process. Returns whether it was a bell.

        Raises: RedisError, OSError.
        """
        assert self.process is not None
        is_bell = hear(self.connection, self.queue_names(), wait_s=wait_s) is not None
        if is_bell:
            self.process.wake()
        return is_bell

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Leave the loop at once; runs are drained afterwards. A second signal changes nothing."""
        if not self.stopping.is_set():
            self.stopping.set()
            if self.process:
                self.process.slots.drain()
            raise StopRequested

    def _nothing_of_rq(self, *_: Any, **__: Any) -> Any:
        """Replace an RQ method with one that does nothing."""

    run_maintenance_tasks = clean_registries = clean_group_registries = _nothing_of_rq
    subscribe = unsubscribe = handle_payload = execute_job = perform_job = _start_scheduler = _nothing_of_rq
