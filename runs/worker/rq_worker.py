"""The RQ side of a worker: it hears doorbells. No code is ever run because of what lies in Redis."""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from redis.exceptions import RedisError
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue
from rq.worker import Worker

from runs.conf import conf
from runs.queue.doorbell import WAKE
from runs.worker.process import WorkerProcess

log = logging.getLogger(__name__)


class AgentWorker(Worker):
    """An RQ worker without fork: a doorbell wakes the slots of its process."""

    max_connection_wait_time = 2.0  # Redis away: the slots look by themselves meanwhile

    process: WorkerProcess | None = None
    slots: int | None = None
    grace_s: float | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["serializer"] = "rq.serializers.JSONSerializer"  # whatever a caller asks for
        super().__init__(*args, **kwargs)
        self.log_job_description = False
        self.stopping = threading.Event()

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Wake a slot if this is our doorbell, and remove the job in any case."""
        try:
            known = job.func_name == WAKE
        except Exception:  # whatever a stranger has put there
            known = False
        if known and self.process:
            self.process.wake()
        elif not known:
            log.error("refused a job in queue %r: it is not a doorbell", queue.name)
        with self.connection.pipeline() as pipeline:
            pipeline.delete(job.key)
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.execute()

    def work(self, burst: bool = False, **kwargs: Any) -> bool:  # type: ignore[override]  # RQ names each option
        """Hold runs until told to stop; with `burst`, until none is left. Returns whether it worked at all."""
        kwargs["with_scheduler"] = False
        own = self.process is None
        if own:
            self.process = WorkerProcess(self.queue_names(), slots=self.slots)
            self.process.start()
        assert self.process is not None
        try:
            if burst:
                super().work(burst=True, **kwargs)
                self.process.work_until_done()
            else:
                self._listen(**kwargs)
        except StopRequested:
            pass
        finally:
            if own:
                self.process.stop(conf().grace_s if self.grace_s is None else self.grace_s)
        return True

    def _listen(self, **kwargs: Any) -> None:
        """Run RQ's loop, and again whenever one bad hash or a lost connection has ended it."""
        while not self.stopping.is_set():
            try:
                super().work(burst=False, **kwargs)
            except (RedisError, OSError, ValueError) as error:
                log.warning("doorbells are out of order (%s); looking by myself", error)
            self.stopping.wait(1.0)

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Leave RQ's loop at once; runs are drained after it. A second signal changes nothing."""
        if not self.stopping.is_set():
            self.stopping.set()
            if self.process:
                self.process.slots.drain()
            raise StopRequested

    def subscribe(self) -> None:
        """Take no commands from Redis: one of them kills process groups."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""
