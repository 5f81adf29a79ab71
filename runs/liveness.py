"""Which worker processes of this host are dead: each holds a file lock that the kernel drops when it ends.

A lease tells it too, but only after it has run out. A lock that can be taken proves death at once, `kill -9`
included; a process that is merely stopped keeps its lock, so the lease stays the judge of that.
"""

import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from runs.places import var_dir

log = logging.getLogger(__name__)

_held: list[int] = []


def hold_liveness_lock(worker_id: UUID) -> None:
    """Take the lock of this worker, for as long as this process lives; without a place for it, the lease must do."""
    path = _path(worker_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.info("no lock in %s (%s): a dead worker is noticed when its leases run out", path.parent, error)
        return
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
    except OSError:
        return False  # a worker of another host, or one that had no place for its lock
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def deregister(worker_id: UUID) -> None:
    """Remove the lock file of a dead worker."""
    with suppress(OSError):
        _path(worker_id).unlink()


def _path(worker_id: UUID) -> Path:
    return var_dir() / "workers" / f"{worker_id}.lock"
