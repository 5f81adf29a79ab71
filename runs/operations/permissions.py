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
    """Refuse a user who may not cancel, retry or replay; the requester may, with whatever role they have in the tenant.

    Raises: NotPermittedError.
    """
    _check(user, run.tenant_id, tuple(Role) if run.requested_by_id == user.pk else OPERATORS, "this")


def check_may_operate_in(tenant: str, user: AbstractBaseUser) -> None:
    """Refuse a user who may not operate the runs of a tenant, given by its slug. Raises: NotPermittedError."""
    pk = Tenant.objects.filter(slug=tenant).values_list("pk", flat=True).first()
    if pk is None:
        raise NotPermittedError(f"there is no tenant {tenant}")
    _check(user, pk, OPERATORS, "this")


def tenants_to_operate(user: AbstractBaseUser) -> list[str] | None:
    """Name the tenants in which somebody may cancel, retry and replay anybody's runs now; None: in every one."""
    if not user.is_active:
        return []
    if getattr(user, "is_superuser", False):
        return None
    return list(
        Tenant.objects.filter(memberships__user_id=user.pk, memberships__role__in=OPERATORS).values_list(
            "slug", flat=True
        )
    )


def check_may_set(tenant: Tenant | None, user: AbstractBaseUser, roles: Sequence[Role], what: str) -> None:
    """Refuse a user who may not set what holds in a tenant; what holds in every one is set by superusers.

    Raises: NotPermittedError.
    """
    everywhere = user.is_active and getattr(user, "is_superuser", False)
    if not (everywhere or (tenant and holds_role(user, tenant.pk, roles))):
        named = ", ".join(roles)
        raise NotPermittedError(f"{what} needs one of the roles {named} in the tenant; for all tenants, a superuser")


def _check(user: AbstractBaseUser, tenant_id: UUID, roles: Sequence[Role], what: str) -> None:
    if not holds_role(user, tenant_id, roles):
        raise NotPermittedError(f"{what} needs one of the roles {', '.join(roles)} in the tenant")


def check_may_approve(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse who may not approve this very call on the terms that hold now. Raises: NotPermittedError."""
    objection = objection_to(user, action.run, requirements_of(action))
    if objection:
        raise NotPermittedError(objection)


def check_may_decide(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse a user without the role. The requester of a run may answer its questions with any.

    Raises: NotPermittedError.
    """
    roles = roles_that_decide(action)
    may_answer = tuple(Role) if action.kind == ActionKind.QUESTION and _has_asked(action, user) else roles
    if not holds_role(user, action.tenant_id, may_answer):
        raise NotPermittedError(f"deciding this needs one of the roles {', '.join(roles)} in the tenant")


def check_may_raise(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse who may not raise the budget that has no room: one of all tenants is no single tenant's to raise.

    Nor does a service account let its own runs spend more. Raises: NotPermittedError.
    """
    check_may_decide(action, user)
    if _has_asked(action, user) and is_service_account(user, action.tenant):
        raise NotPermittedError("the service account that asked for a run may not raise its budget: a person must")
    is_everybodys = action.budget_period and action.budget_period.budget.tenant_id is None
    if is_everybodys and not getattr(user, "is_superuser", False):
        raise NotPermittedError("the budget is that of all tenants: only a superuser may raise it")


def check_may_delegate(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse who does not work on the tenant's runs, and so may not ask or hand on. Raises: NotPermittedError."""
    if not holds_role(user, action.tenant_id, tuple(Role) if _has_asked(action, user) else ANSWERERS):
        raise NotPermittedError(f"this needs one of the roles {', '.join(ANSWERERS)} in the tenant")


def _has_asked(action: PendingAction, user: AbstractBaseUser) -> bool:
    """Say whether the action is about a run of this user, who must still belong to its tenant to do anything."""
    return bool(action.run.requested_by_id == user.pk)
