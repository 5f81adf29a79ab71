"""Reap orphans: no process started by a tool outlives its worker, even after `kill -9`. Linux only.

A worker puts its id into its environment, which every program executed from then on inherits. A child that is only
forked still shows the old environment, so it is marked by its name. The worker itself carries neither mark, nor do its
siblings started by a supervisor or a pool.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

VARIABLE = "AGENTOPS_WORKER_ID"
_PROC = Path("/proc")
_ROUNDS = 20  # processes being killed may still start others
_IS_LINUX = sys.platform == "linux"


def mark_children(worker_id: UUID) -> None:
    """Mark every later child of this process with its worker."""
    os.environ[VARIABLE] = str(worker_id)

    def take_name() -> None:
        with contextlib.suppress(OSError):
            (_PROC / "self/comm").write_text(_name(worker_id))

    os.register_at_fork(after_in_child=take_name)


def kill_orphans(worker_id: UUID) -> int:
    """Kill every living process that this worker has started. Returns how many."""
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        found = [pid for pid in _marked(worker_id) if _kill(pid, worker_id)]
        if not found:
            break
        killed.update(found)
    return len(killed)


def _name(worker_id: UUID) -> str:
    return f"ao-{worker_id.hex[:12]}"  # the kernel keeps 15 characters


def _marked(worker_id: UUID) -> Iterator[int]:
    if _IS_LINUX:
        pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
        yield from (pid for pid in pids if pid != os.getpid() and _carries(pid, worker_id))


def _carries(pid: int, worker_id: UUID) -> bool:
    """Say whether a process carries the mark; False if it is unreadable or already dead."""
    try:
        if (_PROC / str(pid) / "comm").read_text().strip() == _name(worker_id):
            return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return f"{VARIABLE}={worker_id}".encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _kill(pid: int, worker_id: UUID) -> bool:
    """Kill exactly this process: its pid may have been reused since."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _carries(pid, worker_id):
            return False
        signal.pidfd_send_signal(process, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(process)
    return True
