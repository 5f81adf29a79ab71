"""Which letters a person of the console sees, and who may act. Written once; every page of this app uses it."""

from collections.abc import Collection
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import Http404, HttpRequest

from deadletters.admin.shown import ShownOnlyAdmin
from deadletters.models import DeadLetter, LetterGroup

M = TypeVar("M", bound=Model)

MAY_ACT = "deadletters.replay_deadletter"


def tenants_seen(request: HttpRequest) -> Collection[str] | None:
    """Select the slugs of the user's tenants, as a part of other queries; None for superusers, who see all."""
    if request.user.is_superuser:
        return None
    memberships: Any = getattr(request.user, "memberships", None)  # whoever knows tenants, tells here
    slugs: Collection[str] = memberships.values_list("tenant__slug", flat=True) if memberships is not None else []
    return slugs


def causes_seen(request: HttpRequest, groups: QuerySet[LetterGroup]) -> QuerySet[LetterGroup]:
    """Select the causes that the user's tenants met; superusers see all."""
    tenants = tenants_seen(request)
    if tenants is None:
        return groups
    return groups.filter(Exists(DeadLetter.objects.filter(group=OuterRef("pk"), tenant__in=tenants)))


class KeptAdmin(ShownOnlyAdmin[M]):
    """Records that failing runs make and that only verbs change: no adding, no changing, no deleting."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M:
        """Find a record. Raises: Http404, also for another tenant's."""
        record = super().get_object(request, object_id, from_field)
        if record is None:
            raise Http404(f"no {self.opts.verbose_name} {object_id}")
        return record

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Who sees letters sees their causes."""
        return request.user.has_perm("deadletters.view_deadletter")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They are made by failing runs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody edits them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """History is kept."""
        return False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """The verbs have a permission of their own."""
        return request.user.has_perm(MAY_ACT)
