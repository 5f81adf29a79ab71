"""Supervise child processes: start them, restart those that die, and stop them on exit."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded here: a forked child must not load


def die_with_parent(parent: int, ending: signal.Signals = signal.SIGTERM) -> None:
    """In a child: get this signal when the parent dies, even by `kill -9`, or is already dead. Linux only.

    The kernel watches the parent's thread: a thread that starts a child must outlive it.
    """
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, ending)
        if os.getppid() != parent:
            os.kill(os.getpid(), ending)


def forks_die_with_us() -> None:
    """Have every later fork, and its forks, killed when its parent is gone. Linux only."""
    forker = [os.getpid()]

    def remember() -> None:
        forker[0] = os.getpid()

    os.register_at_fork(before=remember, after_in_child=lambda: die_with_parent(forker[0], signal.SIGKILL))


@dataclass(slots=True)
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    log_path: Path | None = None
    restart: bool = True
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0

    def start(self) -> None:
        """Start it in a process group of its own, so that the terminal's Ctrl-C reaches only us."""
        output = self.log_path.open("ab") if self.log_path else None
        try:
            self.process = subprocess.Popen(
                list(self.command),
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 (system calls, which take no lock)
                start_new_session=True,
            )
        finally:
            if output:
                output.close()
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        """Return the process id; 0 before the first start."""
        return self.process.pid if self.process else 0

    def is_alive(self) -> bool:
        """Say whether the process runs now."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Keeps children alive until stopped."""

    def __init__(self) -> None:
        self.children: list[Child] = []

    def add(self, child: Child) -> Child:
        """Start a child and supervise it."""
        child.start()
        self.children.append(child)
        return child

    def check(self) -> list[Child]:
        """Restart children that died, each at most once a second; return those restarted.

        What such a child had started is killed first, so that the new one has no duplicate.
        """
        dead = [
            child
            for child in self.children
            if child.restart and not child.is_alive() and time.monotonic() - child.started_at > 1.0
        ]
        for child in dead:
            code = child.process.returncode if child.process else None
            log.warning("%s ended with code %s; starting it again", child.name, code)
            _kill_group(child)
            child.start()
        return dead

    def stop(self, grace_s: float) -> None:
        """Ask all children to end, last started first; kill the process groups of those that do not."""
        for child in reversed(self.children):
            if child.is_alive():
                os.kill(child.pid, signal.SIGTERM)
        ends_at = time.monotonic() + grace_s
        for child in self.children:
            if child.process:
                _wait(child.process, ends_at - time.monotonic())
        for child in self.children:
            if child.is_alive():
                log.warning("%s did not end in %g s and is killed", child.name, grace_s)
            _kill_group(child)

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(grace_s=8.0)


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    try:
        process.wait(max(0.0, timeout_s))
    except subprocess.TimeoutExpired:
        return


def _kill_group(child: Child) -> None:
    """Kill a child's process group, which outlives its leader if that left children behind."""
    if child.process is None:
        return
    try:
        os.killpg(child.process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    child.process.wait()
