"""Limit concurrent lists per process: a page of 200 rows keeps a core busy, and posts would wait for it.

A waiting list holds a thread but no database connection, so it waits before the first query.
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
    """Hold one of the slots. Raises: Throttled if none became free within `WAIT_MAX_S`."""
    if not _lists.acquire(timeout=WAIT_MAX_S):
        raise Throttled(
            wait=1, detail=f"More lists are asked for than this process reads: {LISTS_MAX} at a time. Ask again later."
        )
    try:
        yield
    finally:
        _lists.release()
