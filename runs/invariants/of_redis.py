"""Invariant of Redis: the queues hold our doorbells and nothing else. Redis away is no breach."""

from collections.abc import Iterator

from runs.invariants.breach import Breach
from runs.queue.strangers import strangers


def only_doorbells_lie_in_redis() -> Iterator[Breach]:
    """I25: a job in Redis names a queue and nothing else."""
    for queue, what in strangers():
        yield Breach(25, "-", f"queue {queue!r} holds a job that is no doorbell: {what}")


CHECKS = (only_doorbells_lie_in_redis,)
