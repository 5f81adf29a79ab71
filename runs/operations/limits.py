"""Set, change and remove limits. Each edit takes effect everywhere within a second."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from runs.declarations.catalog import job_types
from runs.errors import InvalidInputError
from runs.models import Limit, Role
from runs.operations.permissions import check_may_set
from runs.operations.selectors import note_edit, problems_of
from runs.queue.waiting import ring_for
from runs.states import LimitKind
from runs.storable import storable_note

MOST = 1_000_000
_TAKEN = "It has such a backlog limit already, which may be switched off: change that one."


def set_limit(limit: Limit, *, user: AbstractBaseUser) -> Limit:
    """Store a new limit. A limit below the current usage stops nothing; it only lets nothing more start.

    Raises: InvalidInputError naming each field; NotPermittedError.
    """
    _check_may(limit, user)
    if problems := problems_of(limit) | _problems_of_most(limit.most) | _problems(limit):
        raise InvalidInputError(problems)
    return _store(limit, "set", user)


def change_limit(
    limit: Limit,
    *,
    user: AbstractBaseUser,
    most: int | None = None,
    is_active: bool | None = None,
    note: str | None = None,
) -> Limit:
    """Change the number of a limit, or switch it off and on. Its selector stays. Raises: as `set_limit`."""
    _check_may(limit, user)
    if most is not None and (problems := _problems_of_most(most)):
        raise InvalidInputError(problems)
    for name, value in (("most", most), ("is_active", is_active), ("note", note)):
        if value is not None:
            setattr(limit, name, value)
    return _store(limit, "changed", user)


def remove_limit(limit: Limit, *, user: AbstractBaseUser) -> None:
    """Remove a limit. Raises: NotPermittedError."""
    _check_may(limit, user)
    Limit.objects.filter(pk=limit.pk).delete()
    _let_hold(limit, "removed", user)


def _store(limit: Limit, what: str, user: AbstractBaseUser) -> Limit:
    limit.note, limit.updated_by_id = storable_note(limit.note), user.pk
    try:
        with transaction.atomic():
            limit.save()
    except IntegrityError as error:
        if limit.kind != LimitKind.BACKLOG:
            raise
        raise InvalidInputError({"queue": [_TAKEN]}) from error
    _let_hold(limit, what, user)
    return limit


def _let_hold(limit: Limit, what: str, user: AbstractBaseUser) -> None:
    note_edit(limit, what, user)
    if limit.kind != LimitKind.BACKLOG:  # a backlog limit keeps no run from starting
        ring_for(limit)


def _check_may(limit: Limit, user: AbstractBaseUser) -> None:
    check_may_set(limit.tenant, user, (Role.ADMIN,), "setting limits")


def _problems_of_most(most: int) -> dict[str, list[str]]:
    return {} if 0 <= most <= MOST else {"most": [f"give a whole number from 0 to {MOST}"]}


def _problems(limit: Limit) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if limit.kind not in set(LimitKind):
        found["kind"] = [f"must be one of {', '.join(LimitKind)}"]
    if limit.kind == LimitKind.BACKLOG:  # it counts only the runs waiting in a whole queue
        unfit = [name for name in ("job_type", "model", "tool") if getattr(limit, name)]
        found |= {name: ["a backlog limit selects by queue and tenant alone: leave it out"] for name in unfit}
        queues = sorted({job_type.queue for job_type in job_types()})
        if limit.queue not in queues:
            found["queue"] = [f"no job type here goes to {limit.queue!r}; there are {', '.join(queues)}"]
    if not 1 <= limit.per_s <= 86_400:
        found["per_s"] = ["give seconds from 1 to 86400"]
    if limit.each_tenant and limit.tenant:
        found["each_tenant"] = ["is for limits of every tenant; this one names a tenant: leave it off"]
    return found
