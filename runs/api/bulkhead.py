"""Few lists at a time in one process: a page of 200 rows keeps a core busy, and those who post would wait for it.

A list that waits holds a thread and no database connection, so it is let in before the first query.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from rest_framework.exceptions import Throttled

LISTS_MAX = 2
WAIT_MAX_S = 10.0

_lists = BoundedSemaphore(LISTS_MAX)


@contextmanager
def one_list() -> Iterator[None]:
    """Hold one of the places. Raises: Throttled when none was free for `WAIT_MAX_S`."""
    if not _lists.acquire(timeout=WAIT_MAX_S):
        raise Throttled(
            wait=1, detail=f"More lists are asked for than this process reads: {LISTS_MAX} at a time. Ask again later."
        )
    try:
        yield
    finally:
        _lists.release()
