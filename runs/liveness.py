"""Which worker processes of this host are dead: each holds a file lock that the kernel drops when it ends.

A lease tells it too, but only after it has run out. A lock that can be taken proves death at once, `kill -9`
included; a process that is merely stopped keeps its lock, so the lease stays the judge of that.
"""

import fcntl
import os
from pathlib import Path
from uuid import UUID

from django.conf import settings

_held: list[int] = []


def hold_life_line(worker_id: UUID) -> None:
    """Take the lock of this worker, for as long as this process lives."""
    path = _path(worker_id)
    path.parent.mkdir(exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _held.append(lock)  # never closed: the lock is our life line


def _let_go() -> None:
    """A forked child shares the lock, and would keep it when the worker is long dead."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go)


def is_dead(worker_id: UUID) -> bool:
    """Say whether the worker is surely dead; False also if it cannot be known here."""
    try:
        lock = os.open(_path(worker_id), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def bury(worker_id: UUID) -> None:
    """Remove the lock file of a dead worker."""
    _path(worker_id).unlink(missing_ok=True)


def _path(worker_id: UUID) -> Path:
    return Path(settings.VAR_DIR) / "workers" / f"{worker_id}.lock"
