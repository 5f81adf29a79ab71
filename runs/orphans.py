"""Orphans: no process that a tool started outlives its worker, by `kill -9` of the worker too. Linux only.

A worker puts its id into its environment, and whatever is executed from then on inherits it. A child that is merely
forked still shows the environment of old, so it is marked by its name. The worker itself carries neither mark, and
what a supervisor or a pool has started beside it does not either.
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
_ROUNDS = 20  # what is being killed may be starting others
_IS_LINUX = sys.platform == "linux"


def mark_children(worker_id: UUID) -> None:
    """From now on, let every child of this process carry the mark of its worker."""
    os.environ[VARIABLE] = str(worker_id)
    os.register_at_fork(after_in_child=lambda: _take_name(worker_id))


def kill_orphans(worker_id: UUID) -> int:
    """Kill every process that this worker has started and that still lives. Returns how many."""
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        found = [pid for pid in _marked(worker_id) if _kill(pid, worker_id)]
        if not found:
            break
        killed.update(found)
    return len(killed)


def _take_name(worker_id: UUID) -> None:
    with contextlib.suppress(OSError):
        (_PROC / "self/comm").write_text(_name(worker_id))


def _name(worker_id: UUID) -> str:
    return f"ao-{worker_id.hex[:12]}"  # the kernel keeps 15 characters


def _marked(worker_id: UUID) -> Iterator[int]:
    if _IS_LINUX:
        pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
        yield from (pid for pid in pids if pid != os.getpid() and _carries(pid, worker_id))


def _carries(pid: int, worker_id: UUID) -> bool:
    """Say whether a process carries the mark; what is not ours to read, or is already dead, does not."""
    try:
        if (_PROC / str(pid) / "comm").read_text().strip() == _name(worker_id):
            return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return f"{VARIABLE}={worker_id}".encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _kill(pid: int, worker_id: UUID) -> bool:
    """Kill this very process: its number may have gone to another since we looked."""
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
