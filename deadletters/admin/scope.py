"""Which dead letters and causes a console user sees, and who may act. Every page of this app uses it."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from deadletters.models import DeadLetter, GroupState, LetterGroup
from runs.admin.kit.lists import M
from runs.admin.kit.tenants import operator_of
from runs.admin.kit.verbs import PageAdmin
from runs.models import Membership

MAY_ACT = "deadletters.replay_deadletter"


def tenants_seen(request: HttpRequest) -> Collection[str] | None:
    """Select the slugs of the user's tenants, as a subquery; None for superusers, who see all."""
    if request.user.is_superuser:
        return None
    return Membership.objects.filter(user=operator_of(request).pk).values_list("tenant__slug", flat=True)


def causes_seen(request: HttpRequest, groups: QuerySet[LetterGroup]) -> QuerySet[LetterGroup]:
    """Select the causes that the user's tenants met; superusers see all."""
    tenants = tenants_seen(request)
    if tenants is None:
        return groups
    return groups.filter(Exists(DeadLetter.objects.filter(group=OuterRef("pk"), tenant__in=tenants)))


def unsolved_causes(request: HttpRequest) -> QuerySet[LetterGroup]:
    """Select the causes that wait for a person."""
    return causes_seen(request, LetterGroup.objects.filter(state__in=[GroupState.OPEN, GroupState.REGRESSED]))


class DeadLettersAdmin(PageAdmin[M]):
    """Records made by failing runs, with a permission to see them all and one to act. Subclasses narrow their rows."""

    tenant_path = None
    act_permission = MAY_ACT

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Show them, causes too, to everybody who may see dead letters."""
        return request.user.has_perm("deadletters.view_deadletter")
