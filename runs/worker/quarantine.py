"""Quarantine: a run that crashed workers is tried in a process that holds nothing else, so no other run is lost.

A worker that sees such a run starts the process, at most one at a time; it takes one run after another, and ends when
none is left. One more crash there moves the run to the dead letters.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from runs import orphans
from runs.queue.claim import has_quarantined

log = logging.getLogger(__name__)

OPTION = "--quarantine"
STARTER = "AGENTOPS_STARTED_BY"  # the starter's process id: it may be gone before the child can look
_NOT_INHERITED = (orphans.VARIABLE, "AGENTOPS_FAULTS")  # it is not a tool's child, and chaos leaves quarantine alone


class QuarantineWorker:
    """The process that takes quarantined runs, started on demand."""

    def __init__(self, queues: Sequence[str]) -> None:
        self._command = [sys.executable, sys.argv[0], "rqworker", *queues, OPTION]
        self._queues = queues
        self._process: subprocess.Popen[bytes] | None = None

    def start_if_needed(self) -> bool:
        """Start the process if a quarantined run waits and no such process is running; say whether it was started."""
        if self._is_alive() or not has_quarantined(self._queues):
            return False
        log.warning("a run that took workers down is quarantined: a process of its own takes it")
        env = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        env[STARTER] = str(os.getpid())
        self._process = subprocess.Popen(self._command, env=env, stdin=subprocess.DEVNULL, start_new_session=True)
        return True

    def stop(self, grace_s: float) -> None:
        """Ask the process to drain and wait up to `grace_s`; then kill it."""
        if self._process and self._is_alive():
            os.kill(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._process.kill()  # its run is rescued like that of any dead worker

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None
