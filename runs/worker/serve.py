"""Serve queues: a worker process that needs no Redis, and listens for doorbells when there is one."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn, cast

import django_rq
from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from runs.conf import conf
from runs.orphans import kill_orphans, mark_children
from runs.queue.doorbell import prepare
from runs.queue.queue_weights import claims_by
from runs.worker.process import WorkerProcess
from runs.worker.quarantine import STARTER, QuarantineWorker
from runs.worker.rq_worker import AgentWorker
from runs.worker.supervisor import die_with_parent

log = logging.getLogger(__name__)


def serve(
    weights: dict[str, int],
    *,
    slots: int | None = None,
    name: str | None = None,
    burst: bool = False,
    grace_s: float | None = None,
) -> NoReturn:
    """Work until a signal arrives; with `burst`, until no run is left. Ends the process and never returns.

    Shape: `weights` lists the queues in order; if all weights are equal, the order is strict.
    """
    queues, claim = list(weights), claims_by(weights)
    process = WorkerProcess(queues, slots=slots, name=name, claim=claim, quarantine=QuarantineWorker(queues))
    _serve(process, burst=burst, grace_s=grace_s)


def serve_quarantined(queues: Sequence[str]) -> NoReturn:
    """Try the runs that crashed workers, one at a time, until none is left or the starter ends."""
    die_with_parent(int(os.environ.pop(STARTER, os.getppid())))
    _serve(WorkerProcess(queues, slots=1, only_quarantined=True), burst=True, grace_s=None)


def _serve(process: WorkerProcess, *, burst: bool, grace_s: float | None) -> NoReturn:
    stop = threading.Event()
    _on_signals(process, stop)
    mark_children(process.id)
    try:
        process.start()
        _watch_for_hangs(process)
        if burst:
            process.work_until_done()
        else:
            _hear_doorbells(process, stop)
    except StopRequested:
        pass
    try:
        process.stop(conf().grace_s if grace_s is None else grace_s)
    finally:
        kill_orphans(process.id)
    logging.shutdown()
    sys.stdout.flush()
    # Daemon threads may hang in a step; their results are fenced off. A hung worker asks to be restarted.
    os._exit(1 if process.heartbeat.too_many_hang.is_set() else 0)


def _on_signals(process: WorkerProcess, stop: threading.Event) -> None:
    def request_stop(signum: int, frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.set()
            process.slots.drain()
            raise StopRequested

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)


def _watch_for_hangs(process: WorkerProcess) -> None:
    """Stop when too many threads hang, as on a signal: the supervisor starts a fresh process."""

    def watch() -> None:
        process.heartbeat.too_many_hang.wait()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="hang-watch", daemon=True).start()


def _hear_doorbells(process: WorkerProcess, stop: threading.Event) -> None:
    """Listen for doorbells while Redis is there; without it the process polls."""
    while not stop.is_set():
        try:
            prepare()
            ear = cast(
                "AgentWorker", django_rq.get_worker(*process.queues, worker_class=AgentWorker, name=process.id.hex)
            )
            ear.process = process
            ear.stopping = stop
            ear.work(logging_level="WARNING")
        except (RedisError, OSError, ValueError) as error:
            log.warning("no doorbells (%s): looking for work every %g s", error, conf().sweep_s)
        stop.wait(2.0)
