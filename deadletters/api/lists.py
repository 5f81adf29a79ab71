"""Filter and order the lists of dead letters, causes and redrives."""

import django_filters  # type: ignore[import-untyped]  # django-filter has no types

from deadletters.models import DeadLetter, DeadLetterStatus, GroupState, LetterGroup, Redrive, RedriveStatus
from runs.api.filters import AnyOf, IdFilter, MomentFilter
from runs.api.pagination import BySequence, NewestFirst
from runs.models.people import name_path


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

    status = django_filters.MultipleChoiceFilter(choices=RedriveStatus.choices)

    class Meta:
        model = Redrive
        fields = ["status"]


class ByFailure(NewestFirst):
    """Dead letters, newest failure first."""

    ordering = ("-failed_at", "-id")


class ByLastSeen(NewestFirst):
    """Groups of dead letters, latest failure first."""

    ordering = ("-own_last_seen", "-id")


class ByPlan(NewestFirst):
    """Redrives, newest plan first."""

    ordering = ("-planned_at", "-id")


class ByPlace(BySequence):
    """The dead letters of a redrive, in sending order."""

    ordering = ("place",)
