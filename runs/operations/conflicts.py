"""Resolve conflicts between a posted run and another run with the same uniqueness key.

The lock of the key decides, never a look at the runs: of fifty simultaneous posts one takes the lock, and the others
find the run that holds it. A run that displaces a running one waits as its successor until that has ended, so that two
runs of a key never run at the same time.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from runs import clock
from runs.declarations.job_types import JobType
from runs.engine.cancel import cancel_locked
from runs.errors import InvalidTransitionError, RunsError
from runs.models import Run, RunLock, Tenant
from runs.models.moves import Event, transition
from runs.models.run_lock import is_exclusive, serialize_posts, take_lock
from runs.operations.permissions import check_may_operate
from runs.states import ENDED, Applied, OnConflict, RunStatus


class LockMovedError(RunsError):
    """The lock was taken, passed on or released between two reads: start over."""


@dataclass(frozen=True, slots=True)
class UniquenessKey:
    """What counts as the same run, and what to do about it."""

    tenant: Tenant
    job_type: JobType
    key: str
    policy: OnConflict

    @property
    def shares(self) -> bool:
        """Say whether two posts share one run, instead of the newer displacing the older."""
        return self.policy in (OnConflict.DISCARD, OnConflict.JOIN)

    def take(self, run_id: UUID) -> bool:
        """Take the lock if it is free."""
        return take_lock(tenant_id=self.tenant.pk, job_type=self.job_type.name, key=self.key, run_id=run_id)

    def lock(self) -> RunLock | None:
        """Find the lock; None if it was never taken."""
        return RunLock.objects.filter(tenant=self.tenant, job_type=self.job_type.name, key=self.key).first()


@dataclass(frozen=True, slots=True)
class Conflict:
    """What was done. `run` is the survivor: the new run, or another one to return in its place."""

    policy: OnConflict
    applied: Applied
    run: UUID
    displaced: tuple[UUID, ...] = ()
    waits: bool = False  # the new run starts when the displaced one has ended

    @property
    def is_new(self) -> bool:
        """Say whether a new run must be created."""
        return self.applied in (Applied.NONE, Applied.REPLACED, Applied.INTERRUPTED)


def uniqueness_of(
    policy: str | None, job_type: JobType, run_input: dict[str, Any], *, tenant: Tenant, continues: UUID | None = None
) -> UniquenessKey | None:
    """Read the uniqueness key of a request; None if it has none. Raises: InvalidInputError."""
    chosen = OnConflict(policy or job_type.on_conflict)
    if chosen == OnConflict.QUEUE and job_type.fresh_for_s is None:
        return None
    return UniquenessKey(tenant, job_type, job_type.unique_key(run_input, continues=continues), chosen)


def meet(uniqueness: UniquenessKey, run_id: UUID, *, user: AbstractBaseUser) -> Conflict:
    """Decide the conflict of a run about to be created under this id. Needs a transaction.

    Raises: LockMovedError; NotPermittedError if the user may not cancel the run to be displaced.
    """
    if recent := _recent(uniqueness):
        return recent
    if uniqueness.policy == OnConflict.QUEUE:
        return Conflict(uniqueness.policy, Applied.NONE, run_id)
    if not uniqueness.shares:
        serialize_posts(uniqueness.key)
    lock = uniqueness.lock()
    if lock is None or lock.holder is None:
        return _take(uniqueness, run_id)
    if uniqueness.shares and (shared := _survivor(uniqueness, lock)):
        return Conflict(uniqueness.policy, _SHARED[uniqueness.policy], shared)
    return _displace(uniqueness, lock, run_id, user)


_SHARED = {OnConflict.DISCARD: Applied.DISCARDED, OnConflict.JOIN: Applied.JOINED}
_DISPLACED = {OnConflict.REPLACE: Applied.REPLACED, OnConflict.INTERRUPT: Applied.INTERRUPTED}


def take_again(run: Run) -> None:
    """Take the lock again for a failed run that continues. Needs the lock of its row.

    Raises: InvalidTransitionError naming the run that holds it.
    """
    if not is_exclusive(run) or run.unique_key is None:
        return
    if not take_lock(tenant_id=run.tenant_id, job_type=run.job_type, key=run.unique_key, run_id=run.pk):
        raise InvalidTransitionError(why_not_again(run) or "another run of the same key was active just now: try again")


def why_not_again(run: Run) -> str:
    """Say which run holds the lock that a failed run needs to continue; empty if it is free."""
    if not is_exclusive(run):
        return ""
    held = RunLock.objects.filter(tenant=run.tenant_id, job_type=run.job_type, key=run.unique_key)
    holder = held.filter(holder__isnull=False).values_list("holder", flat=True).first()
    return f"run {holder} is active with the same key: wait for its end, or cancel it" if holder else ""


def _take(uniqueness: UniquenessKey, run_id: UUID) -> Conflict:
    """Take the free lock, then look again for a recent run: the last holder may just have completed."""
    if not uniqueness.take(run_id):
        raise LockMovedError("the lock was taken")
    if recent := _recent(uniqueness):
        RunLock.objects.filter(holder=run_id).update(holder=None)
    return recent or Conflict(uniqueness.policy, Applied.NONE, run_id)


def _recent(uniqueness: UniquenessKey) -> Conflict | None:
    """Find an ended run that still counts: a fresh one, or one within the window of `discard` and `join`.

    Cancelled runs do not count.
    """
    windows = [(uniqueness.job_type.fresh_for_s, Applied.REUSED, [RunStatus.COMPLETED])]
    if uniqueness.shares:
        ended = [RunStatus.COMPLETED, RunStatus.FAILED]
        windows.append((uniqueness.job_type.unique_for_s, _SHARED[uniqueness.policy], ended))
    same = Run.objects.filter(unique_key=uniqueness.key, tenant=uniqueness.tenant, job_type=uniqueness.job_type.name)
    for seconds, applied, statuses in windows:
        if seconds is not None:
            recent = same.filter(status__in=statuses, finished_at__gt=clock.in_seconds(-seconds))
            if newest := recent.order_by("-finished_at").values_list("pk", flat=True).first():
                return Conflict(uniqueness.policy, applied, newest)
    return None


def _survivor(uniqueness: UniquenessKey, lock: RunLock) -> UUID | None:
    """Find the run to share; None if the only one is about to be cancelled."""
    run = Run.objects.filter(pk__in=[lock.successor or lock.holder]).first()
    if run is None or run.state in ENDED:
        raise LockMovedError("the holder has ended")
    return None if run.cancel_requested_at else run.pk


def _displace(uniqueness: UniquenessKey, lock: RunLock, run_id: UUID, user: AbstractBaseUser) -> Conflict:
    """Cancel the holder of the lock and its successor; then take the lock, or wait for it."""
    others = [pk for pk in (lock.successor, lock.holder) if pk]
    # Lock their rows before the lock's, as the code that ends a run does; both in one order, as other displacements do.
    runs = {run.pk: run for run in Run.objects.select_for_update().filter(pk__in=others).order_by("pk")}
    present = RunLock.objects.select_for_update().filter(pk=lock.pk).first()
    has_moved = present is None or (present.holder, present.successor) != (lock.holder, lock.successor)
    if has_moved or len(runs) != len(others):
        raise LockMovedError("the lock was handed on")
    displaced = []
    for pk in others:  # the successor before the holder, or it would be given the lock
        if not uniqueness.shares and _cancel(uniqueness, runs[pk], by=run_id, user=user):
            displaced.append(pk)
    if waits := not uniqueness.take(run_id):
        RunLock.objects.filter(pk=lock.pk).update(successor=run_id)
    applied = _DISPLACED[uniqueness.policy] if displaced else Applied.NONE
    return Conflict(uniqueness.policy, applied, run_id, displaced=tuple(displaced), waits=waits)


def _cancel(uniqueness: UniquenessKey, run: Run, *, by: UUID, user: AbstractBaseUser) -> bool:
    """Cancel a run in favour of a newer one; False if somebody else has asked already."""
    gently = uniqueness.policy == OnConflict.REPLACE
    if run.cancel_requested_at and (gently or not run.cancel_gently):
        return False
    check_may_operate(run, user)
    actor = user.get_username()
    transition(run, events=[Event("run.displaced", {"by": str(by), "policy": str(uniqueness.policy)}, actor=actor)])
    cancel_locked(run, actor=actor, gently=gently)
    return True
