"""What the views of dead letters, their groups and redrives share, and the filters of their lists."""

from typing import Any, TypeVar

import django_filters  # type: ignore[import-untyped]  # django-filter has no types
from django.db.models import Model, QuerySet

from deadletters.members import member_named
from deadletters.models import DeadLetter, DeadLetterStatus, GroupState, LetterGroup, Redrive, RedriveStatus
from runs.api.filters import AnyOf, IdFilter, MomentFilter
from runs.api.rows import RowViewSet
from runs.api.strict_body import Body
from runs.errors import InvalidInputError
from runs.models.people import name_path

M = TypeVar("M", bound=Model)


class DeadLetterFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Filters of dead letters."""

    status = AnyOf(choices=DeadLetterStatus.choices)
    run = IdFilter("run_id")
    group = IdFilter("group_id")
    assignee = django_filters.CharFilter(name_path("assignee"))
    replayed_as = IdFilter("replayed_as")
    failed_after = MomentFilter("failed_at", "gte")
    failed_before = MomentFilter("failed_at", "lt")
    due_before = MomentFilter("due_at", "lt")

    class Meta:
        model = DeadLetter
        fields = ["status", "job_type", "error_class", "error_kind", "version", "fingerprint", "run"]


class LetterGroupFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Filters of groups of dead letters."""

    state = AnyOf(choices=GroupState.choices)

    class Meta:
        model = LetterGroup
        fields = ["state", "job_type", "error_class", "fingerprint"]


class RedriveFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Filters of redrives."""

    status = AnyOf(choices=RedriveStatus.choices)

    class Meta:
        model = Redrive
        fields = ["status"]


class LetterViewSet(RowViewSet[M]):
    """What dead letters, their groups and redrives share: the scopes, the tenant by slug, users by name."""

    reads, writes = "dead_letters:read", "dead_letters:write"

    def visible(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Select the tenant's own rows."""
        return rows.filter(tenant=self.tenant.slug)

    def arguments_of(self, body: Body) -> dict[str, Any]:
        """Return what a body says, with the user that it names. Raises: InvalidInputError, also for other tenants'."""
        said = super().arguments_of(body)
        if (name := said.pop("user", None)) is None:
            return said
        tenant = self.tenant.slug
        if (member := member_named(name, [tenant])) is None:
            raise InvalidInputError({"user": [f"nobody named {name!r} belongs to {tenant}; name a member"]})
        return said | {"assignee": member}
