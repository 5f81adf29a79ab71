"""The people behind the dead letters: what that app asks of this one about roles and memberships."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from runs.models import Membership, Run, post_mail
from runs.models.people import members_to_mail, name_path, people_named
from runs.operations.roles import OPERATORS, check_may_operate, check_may_operate_in


class Members:
    """Answers for `deadletters.people.People`."""

    def check_may_act(self, user: Any, *, tenant: str, run_id: UUID | None = None) -> None:
        """Refuse who may not replay the run, or, of a run that is gone, who is no operator of the tenant."""
        run = Run.objects.filter(pk=run_id).first() if run_id else None
        if run:
            check_may_operate(run, user)
        else:
            check_may_operate_in(tenant, user)

    def belongs(self, user: Any, tenant: str) -> bool:
        """Say whether somebody has a membership, or sees every tenant."""
        if user is None or not user.is_active:
            return False
        return bool(user.is_superuser or Membership.objects.filter(user_id=user.pk, tenant__slug=tenant).exists())

    def find(self, username: str, tenants: Collection[str]) -> Any:
        """Find an active user by name who belongs to one of these tenants, or sees every tenant."""
        theirs = Q(is_superuser=True) | Q(memberships__tenant__slug__in=tenants)
        users = people_named(username).filter(theirs, is_active=True)
        return users.first()

    def names(self, tenants: Collection[str]) -> list[str]:
        """List the active members of all these tenants, by name."""
        members = Membership.objects.filter(tenant__slug__in=tenants, user__is_active=True).order_by()
        name = name_path("user")
        in_all = members.values(name).annotate(count=Count("tenant")).filter(count=len(set(tenants)))
        return sorted(in_all.values_list(name, flat=True))

    def tell(self, tenant: str, subject: str, text: str, run_id: UUID) -> None:
        """Mail the operators and admins who have an address; the mail is stored here and sent by `send_mail`."""
        addresses = members_to_mail(Membership.objects.filter(tenant__slug=tenant, role__in=OPERATORS))
        post_mail(addresses, subject, text, run=Run.objects.filter(pk=run_id).first())
