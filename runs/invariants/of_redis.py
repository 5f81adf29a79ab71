"""Invariant of Redis: of all the keys of RQ, only our doorbells are there. Redis away is no breach."""

from collections.abc import Iterator

from runs.invariants.breach import Breach
from runs.queue.foreign_jobs import strangers


def only_doorbells_lie_in_redis() -> Iterator[Breach]:
    """I25: a job in Redis names a queue and nothing else, and RQ has no other key."""
    for what in strangers():
        yield Breach(25, "-", what)


CHECKS = (only_doorbells_lie_in_redis,)
