"""Who may do what in a tenant: roles belong to memberships, and are checked when they are used."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from runs.errors import NotPermittedError
from runs.models import Role, Run, Tenant, holds_role

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
