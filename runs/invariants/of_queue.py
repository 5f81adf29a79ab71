"""Invariants of the queue: locks of uniqueness keys, and doorbells in Redis."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q

from runs.invariants.breach import Breach, each
from runs.models import Run, RunLock
from runs.queue.foreign_jobs import foreign_jobs
from runs.states import ENDED, OnConflict, RunStatus


def locks_are_held_by_active_runs() -> Iterator[Breach]:
    """I1: a run that holds or awaits a lock has not ended; otherwise no run of its key would ever start again."""
    active = Run.objects.exclude(status__in=ENDED)
    for role in ("holder", "successor"):
        locks = RunLock.objects.filter(**{f"{role}__isnull": False})
        ended = locks.exclude(Exists(active.filter(pk=OuterRef(role))))
        yield from each(1, ended, f"has ended, but is the {role} of lock {{job_type}} {{key:.8}}", run=role)


def active_runs_hold_their_lock() -> Iterator[Breach]:
    """I1: of the runs of one key only the holder is active; its successor stays scheduled until the holder ends."""
    mine = RunLock.objects.filter(tenant=OuterRef("tenant"), job_type=OuterRef("job_type"), key=OuterRef("unique_key"))
    exclusive = Run.objects.filter(unique_key__isnull=False).exclude(on_conflict=OnConflict.QUEUE)
    active = exclusive.exclude(status__in=ENDED)
    waits = Q(Exists(mine.filter(successor=OuterRef("pk"))), status=RunStatus.SCHEDULED)
    outside = active.exclude(Q(Exists(mine.filter(holder=OuterRef("pk")))) | waits)
    return each(1, outside, "is {status}, but neither holds the lock of its key nor waits for it")


def only_doorbells_lie_in_redis() -> Iterator[Breach]:
    """I25: a job in Redis names a queue and nothing else, and RQ has no other key."""
    return (Breach(25, "-", what) for what in foreign_jobs())
