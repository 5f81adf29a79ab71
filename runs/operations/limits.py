"""Setting limits and changing them. Each holds everywhere within a second."""

from collections.abc import Mapping, Sequence

from django.contrib.auth.models import AbstractBaseUser

from runs.errors import InvalidInputError
from runs.models import Limit, Role
from runs.operations.roles import check_may_set
from runs.operations.scope import Scope, kept_words, told
from runs.states import LimitKind

MOST = 1_000_000


def set_limit(
    scope: Scope,
    *,
    user: AbstractBaseUser,
    most: int,
    kind: str = LimitKind.CONCURRENCY,
    per_s: float = 60.0,
    each_tenant: bool = False,
    note: str = "",
) -> Limit:
    """Make a limit. One that says less than what works now stops nothing; it lets nothing more start.

    Raises: InvalidInputError naming each field; NotPermittedError.
    """
    check_may_set(scope.tenant, user, (Role.ADMIN,), "setting limits")
    wrong = _problems(scope, kind=kind, per_s=per_s, each_tenant=each_tenant)
    _refuse(scope.problems() | _problems_of_most(most) | wrong)
    limit = Limit.objects.create(
        **scope.columns,
        kind=kind,
        most=most,
        per_s=per_s,
        each_tenant=each_tenant,
        note=kept_words(note),
        updated_by_id=user.pk,
    )
    return told(limit, "set", user)


def change_limit(
    limit: Limit, *, user: AbstractBaseUser, most: int | None = None, is_active: bool | None = None
) -> Limit:
    """Change how many a limit lets through, or switch it off and on. Raises: as `set_limit`."""
    check_may_set(limit.tenant, user, (Role.ADMIN,), "setting limits")
    if most is not None:
        _refuse(_problems_of_most(most))
        limit.most = most
    limit.is_active = limit.is_active if is_active is None else is_active
    limit.updated_by_id = user.pk
    limit.save()
    return told(limit, "changed", user)


def _problems_of_most(most: int) -> dict[str, list[str]]:
    return {} if 0 <= most <= MOST else {"most": [f"give a whole number from 0 to {MOST}"]}


def _problems(scope: Scope, *, kind: str, per_s: float, each_tenant: bool) -> dict[str, list[str]]:
    found = {}
    if kind not in set(LimitKind):
        found["kind"] = [f"must be one of {', '.join(LimitKind)}"]
    if not 1 <= per_s <= 86_400:
        found["per_s"] = ["give seconds from 1 to 86400"]
    if each_tenant and scope.tenant:
        found["each_tenant"] = ["is for limits of every tenant; this one names a tenant"]
    return found


def _refuse(problems: Mapping[str, Sequence[str]]) -> None:
    if problems:
        raise InvalidInputError(problems)
