"""Runs that took workers down are tried alone: by a worker process of their own, so that no bystander dies with one.

Any worker that sees such a run starts that process, at most one at a time; it holds one run, and ends when none is
left. A crash there is the third at the same step, and makes the dead letter.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from runs import orphans
from runs.queue.claim import waiting_alone

log = logging.getLogger(__name__)

OPTION = "--alone"
STARTER = "AGENTOPS_STARTED_BY"  # its process id: it may be gone before the one that it started can look
_NOT_INHERITED = (orphans.VARIABLE, "AGENTOPS_FAULTS")  # it is no tool's child, and a suspect is tried in peace


class AloneWorker:
    """The process that tries suspects, started when there is one."""

    def __init__(self, queues: Sequence[str]) -> None:
        self._command = [sys.executable, sys.argv[0], "rqworker", *queues, OPTION]
        self._queues = queues
        self._process: subprocess.Popen[bytes] | None = None

    def start_if_needed(self) -> bool:
        """Start the process if a suspect waits and none is at work; say whether it was started."""
        if self._is_alive() or not waiting_alone(self._queues):
            return False
        log.warning("a run that took workers down is tried alone, in a process of its own")
        env = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        env[STARTER] = str(os.getpid())
        self._process = subprocess.Popen(self._command, env=env, stdin=subprocess.DEVNULL, start_new_session=True)
        return True

    def stop(self, grace_s: float) -> None:
        """Ask it to drain, and wait for so long."""
        if self._process and self._is_alive():
            os.kill(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._process.kill()  # its run is rescued as that of any dead worker

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None
