"""Track connections taken from the pool: which thread took each, and which are lost because their thread has ended.

Django keeps one connection per thread, and nothing closes it when a thread started by other code ends. The pool counts
it as taken forever, until none is left and the whole process waits.
"""

import contextlib
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

_CLOSE_IT = (
    "Code that uses the database on a thread of its own must end with `django.db.connection.close()` on that thread."
)


@dataclass(frozen=True, slots=True)
class _Out:
    """One taken connection."""

    connection: Any  # also prevents garbage collection, which the pool would not notice
    thread: threading.Thread = field(default_factory=threading.current_thread)
    since: float = field(default_factory=time.monotonic)


_out: dict[int, _Out] = {}  # each change is atomic in the interpreter, so it needs no lock


def note_taken(connection: Any) -> None:
    """Record that this thread has taken a connection."""
    _out[id(connection)] = _Out(connection)


def note_returned(connection: Any) -> None:
    """Forget a returned connection."""
    _out.pop(id(connection), None)


def forget_all() -> None:
    """Forget all in a forked child: the connections belong to the parent."""
    _out.clear()


def take_back_lost(pool: Any) -> None:
    """Return the connections of ended threads to a pool, roll them back, and log it."""
    ended = [one for one in _taken_from(pool) if not one.thread.is_alive()]
    lost = [one for one in ended if _out.pop(id(one.connection), None)]  # another thread may be doing the same
    for one in lost:
        with contextlib.suppress(Exception):  # broken, or the pool is closed: either way it is no longer taken
            pool.putconn(one.connection)
    if lost:
        log.warning(
            "%d of %d database connections were lost, and are taken back: the threads %s have ended without closing "
            "theirs. %s",
            len(lost),
            pool.max_size,
            ", ".join(sorted({one.thread.name for one in lost})),
            _CLOSE_IT,
        )


def who_has_them(pool: Any) -> str:
    """Explain why no connection is free: how many are taken, by which threads and for how long."""
    taken = sorted(_taken_from(pool), key=lambda one: one.since)
    now = time.monotonic()
    holders = ", ".join(f"{one.thread.name} for {now - one.since:.0f} s" for one in taken)
    return (
        f"no database connection came free within {pool.timeout:g} s: {len(taken)} of {pool.max_size} "
        f"(AGENTOPS_DB_POOL) are taken, by the threads {holders or '-'}. {_CLOSE_IT} "
        "If each of these threads needs its connection, raise AGENTOPS_DB_POOL."
    )


def _taken_from(pool: Any) -> list[_Out]:
    return [one for one in list(_out.values()) if one.connection._pool is pool]
