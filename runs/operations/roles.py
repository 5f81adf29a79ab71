"""Who may do what in a tenant: roles belong to memberships, and are checked when they are used."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from runs.errors import NotPermittedError
from runs.models import DECIDERS, PendingAction, Role, Run, Tenant, holds_role
from runs.states import ActionKind

OPERATORS = (Role.OPERATOR, Role.ADMIN)
ANSWERERS = (*DECIDERS, Role.OPERATOR)


def check_may_decide(action: PendingAction, user: AbstractBaseUser) -> None:
    """Refuse a user without the role. The requester of a run may always answer its questions.

    Raises: NotPermittedError.
    """
    is_question = action.kind == ActionKind.QUESTION
    if is_question and action.run.requested_by_id == user.pk:
        return
    _check(user, action.tenant_id, ANSWERERS if is_question else DECIDERS, "deciding this")


def check_may_operate(run: Run, user: AbstractBaseUser) -> None:
    """Refuse a user who may not cancel, retry or replay; the requester may always cancel and retry.

    Raises: NotPermittedError.
    """
    if run.requested_by_id != user.pk:
        _check(user, run.tenant_id, OPERATORS, "this")


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


def _check(user: AbstractBaseUser, tenant_id: UUID, roles: Sequence[Role], what: str) -> None:
    if not holds_role(user, tenant_id, roles):
        raise NotPermittedError(f"{what} needs one of the roles {', '.join(roles)} in the tenant")
