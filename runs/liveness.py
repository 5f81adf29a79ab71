"""Detect dead worker processes of this host: each holds a file lock that the kernel drops when it ends.

An expired lease shows it too, but later. A free lock proves death at once, even by `kill -9`; a suspended process keeps
its lock, so only the lease covers that case.
"""

import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from runs.file_paths import var_dir

log = logging.getLogger(__name__)

_held: list[int] = []


def hold_liveness_lock(worker_id: UUID) -> None:
    """Take the lock of this worker for the lifetime of this process; if no file can be made, rely on the lease."""
    path = _path(worker_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.info("no lock in %s (%s): a dead worker is noticed when its leases run out", path.parent, error)
        return
    fcntl.flock(lock, fcntl.LOCK_EX)
    _held.append(lock)  # never closed: closing drops the lock


def _let_go() -> None:
    """Drop the lock in a forked child, which shares it and would keep it after the worker's death."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go)


def is_dead(worker_id: UUID) -> bool:
    """Say whether the worker is certainly dead; False also if this host cannot know."""
    try:
        lock = os.open(_path(worker_id), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # a worker of another host, or one without a lock file
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
