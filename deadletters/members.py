"""Who may act on the dead letters of a tenant, and who may be assigned one. Tenants are given by slug."""

from collections.abc import Collection
from typing import Any

from django.db.models import Count, Q

from deadletters.errors import NotAMemberError
from deadletters.models import DeadLetter
from runs.models import Membership, Run
from runs.models.people import name_path, people_named
from runs.operations.permissions import check_may_operate, check_may_operate_in


def check_may_act(letter: DeadLetter, user: Any) -> None:
    """Refuse a user who may not replay the run; once the run is gone, one who is not an operator of the tenant.

    Raises: NotPermittedError.
    """
    if run := Run.objects.filter(pk=letter.run_id).first():
        check_may_operate(run, user)
    else:
        check_may_operate_in(letter.tenant, user)


def check_belongs(assignee: Any, tenants: Collection[str]) -> None:
    """Refuse an assignee who is not an active member of each tenant, or a superuser. Raises: NotAMemberError."""
    memberships = Membership.objects.filter(user_id=assignee.pk, tenant__slug__in=tenants)
    in_all = assignee.is_superuser or memberships.count() == len(set(tenants))
    if not (assignee.is_active and in_all):
        what = f"the tenant {next(iter(tenants))}" if len(tenants) == 1 else "every tenant that met this cause"
        raise NotAMemberError(f"{assignee.get_username()} does not belong to {what}")


def member_named(username: str, tenants: Collection[str]) -> Any:
    """Find an active user by name who belongs to one of these tenants, or sees every tenant; None if there is none."""
    theirs = Q(is_superuser=True) | Q(memberships__tenant__slug__in=tenants)
    return people_named(username).filter(theirs, is_active=True).first()


def names_of_members(tenants: Collection[str]) -> list[str]:
    """List the active members of all these tenants, by name."""
    members = Membership.objects.filter(tenant__slug__in=tenants, user__is_active=True).order_by()
    name = name_path("user")
    in_all = members.values(name).annotate(count=Count("tenant")).filter(count=len(set(tenants)))
    return sorted(in_all.values_list(name, flat=True))
