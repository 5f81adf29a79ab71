"""Cache rows that operators edit: read them at most once a second in each process, since every step asks."""

import logging
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from django.db import DatabaseError

from runs import clock

log = logging.getLogger(__name__)

FRESH_S = 1.0  # an edit takes effect in every process within this time
T = TypeVar("T")


class TTLCache(Generic[T]):
    """Calling it returns the result of `read`. While the database is away, the last result stays."""

    _all: ClassVar[list["TTLCache[Any]"]] = []

    def __init__(self, what: str, read: Callable[[], T]) -> None:
        self._what, self._read = what, read
        self._known: tuple[float, T] | None = None  # time by the process's clock, and value: swapped as one
        self._all.append(self)

    def __call__(self) -> T:
        """Return the current value. Raises: DatabaseError if it was never read."""
        known, now = self._known, clock.monotonic()
        if known and now - known[0] < FRESH_S:
            return known[1]
        try:
            found = self._read()
        except DatabaseError:
            if known is None:
                raise
            log.warning("%s could not be read; those of a moment ago hold", self._what)
            return known[1]
        self._known = now, found
        return found

    def clear(self) -> None:
        """Read again at the next call, after an edit in this process."""
        self._known = None

    def invalidate(self) -> None:
        """Read again at the next call if the value is not empty: somebody may just have ended what it lists."""
        known = self._known
        if known and known[1]:
            self._known = known[0] - FRESH_S, known[1]

    @classmethod
    def clear_all(cls) -> None:
        """Clear every cache of this process. For tests."""
        for one in cls._all:
            one.clear()
