"""Filters of the lists. `status` may be given several times."""

import re
from typing import Any

import django_filters  # type: ignore[import-untyped]  # django-filter has no types
from django import forms

from runs.api.moments import moment_of
from runs.api.strict_body import ID
from runs.models import PendingAction, Run
from runs.models.people import name_path
from runs.states import ActionStatus, RunStatus


class MomentField(forms.CharField):
    """A time with its zone, in a query."""

    def to_python(self, value: Any) -> Any:
        """Parse the time; an empty one filters nothing."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            return moment_of(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]  # django-filter has no types
    """Compares with a time. django-filter's own field accepts times that overflow in UTC."""

    field_class = MomentField


class IdField(forms.UUIDField):
    """An id with hyphens; Django's own field accepts other spellings."""

    def to_python(self, value: Any) -> Any:
        """Refuse other spellings of an id."""
        if value and not re.fullmatch(ID, str(value)):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class IdFilter(django_filters.UUIDFilter):  # type: ignore[misc]  # django-filter has no types
    """Compares with an id."""

    field_class = IdField


class AnyOf(django_filters.MultipleChoiceFilter):  # type: ignore[misc]  # django-filter has no types
    """Any of several values of the row's own column. So no row comes twice, and DISTINCT is not needed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"distinct": False, **kwargs})


class RunFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Filters of runs."""

    status = AnyOf(choices=[(s.value, s.value) for s in RunStatus])
    created_after = MomentFilter("created_at", "gte")
    created_before = MomentFilter("created_at", "lt")
    parent = IdFilter("parent_id")

    class Meta:
        model = Run
        fields = ["status", "job_type", "queue"]


class ActionFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Filters of pending actions."""

    status = AnyOf(choices=[(s.value, s.value) for s in ActionStatus])
    # By id only: a choice among all runs would reveal ids of other tenants.
    run = IdFilter("run_id")
    assignee = django_filters.CharFilter(name_path("assignee"))

    class Meta:
        model = PendingAction
        fields = ["status", "kind", "run", "tool", "risk"]
