"""Who may do what in a tenant, and with an action. The database is asked each time, since a role may be revoked.

Every verb about an action asks twice: before it looks at anything, and under the lock, since an action may be escalated
in between.
"""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from runs.engine.approvals.deciders import ANSWERERS, objection_to, roles_that_decide
from runs.engine.approvals.requirements import requirements_of
from runs.errors import NotPermittedError
from runs.models import PendingAction, Role, Run, Tenant, holds_role, is_service_account
from runs.states import ActionKind

OPERATORS = (Role.OPERATOR, Role.ADMIN)


def check_may_operate(run: Run, user: AbstractBaseUser) -> None:
    """Refuse a user who may not cancel, retry or replay; the requester may, with any role in the tenant.

    Raises: NotPermittedError.
    """
    _check(user, run.tenant_id, tuple(Role) if run.requested_by_id == user.pk else OPERATORS)


def check_may_operate_in(tenant: str, user: AbstractBaseUser) -> None:
    """Refuse a user who may not operate the runs of a tenant, given by its slug. Raises: NotPermittedError."""
    pk = Tenant.objects.filter(slug=tenant).values_list("pk", flat=True).first()
    if pk is None:
        raise NotPermittedError(f"there is no tenant {tenant}")
    _check(user, pk, OPERATORS)


def tenants_to_operate(user: AbstractBaseUser) -> list[str] | None:
    """List the tenants where a user may cancel, retry and replay anybody's runs now; None means every tenant."""
    if not user.is_active:
        return []
    if getattr(user, "is_superuser", False):
        return None
    operated = Tenant.objects.filter(memberships__user_id=user.pk, memberships__role__in=OPERATORS)
    return list(operated.values_list("slug", flat=True))


def check_may_set(tenant: Tenant | None, user: AbstractBaseUser, roles: Sequence[Role], what: str) -> None:
    """Refuse a user who may not change settings of a tenant; only superusers change settings of all tenants.

    Raises: NotPermittedError.
    """
    everywhere = user.is_active and getattr(user, "is_superuser", False)
    if not (everywhere or (tenant and holds_role(user, tenant.pk, roles))):
        named = ", ".join(roles)
        raise NotPermittedError(f"{what} needs one of the roles {named} in the tenant; for all tenants, a superuser")


def check_may_approve(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse a user who may not approve this call under the current requirements. Raises: NotPermittedError."""
    if objection := objection_to(user, action.run, requirements_of(action)):
        raise NotPermittedError(objection)


def check_may_decide(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse a user without the role. The requester of a run may answer its questions with any role.

    Raises: NotPermittedError.
    """
    may_answer = action.kind == ActionKind.QUESTION and _has_asked(action, user)
    _check(user, action.tenant_id, roles_that_decide(action), "deciding this", any_role=may_answer)


def check_may_raise(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse a user who may not raise the full budget: no single tenant may raise a budget of all tenants.

    Nor may a service account raise the budget of its own runs. Raises: NotPermittedError.
    """
    check_may_decide(action, user)
    if _has_asked(action, user) and is_service_account(user, action.tenant):
        raise NotPermittedError("the service account that asked for a run may not raise its budget: a person must")
    is_everybodys = action.budget_period and action.budget_period.budget.tenant_id is None
    if is_everybodys and not getattr(user, "is_superuser", False):
        raise NotPermittedError("the budget is that of all tenants: only a superuser may raise it")


def check_may_delegate(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse a user without a role that may ask or delegate in the tenant. Raises: NotPermittedError."""
    _check(user, action.tenant_id, ANSWERERS, any_role=_has_asked(action, user))


def _has_asked(action: PendingAction, user: AbstractBaseUser) -> bool:
    """Say whether this user requested the action's run."""
    return bool(action.run.requested_by_id == user.pk)


def _check(
    user: AbstractBaseUser, tenant_id: UUID, roles: Sequence[Role], what: str = "this", *, any_role: bool = False
) -> None:
    """Refuse a user without one of these roles, or with `any_role` only one who is no member."""
    if not holds_role(user, tenant_id, tuple(Role) if any_role else roles):
        raise NotPermittedError(f"{what} needs one of the roles {', '.join(roles)} in the tenant")
