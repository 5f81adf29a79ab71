"""Filters of the lists. `status` may be given several times."""

from collections.abc import Callable
from functools import partial
from typing import Any

import django_filters  # type: ignore[import-untyped]  # django-filter has no types
from django import forms

from runs.api.moments import moment_of
from runs.api.strict_body import id_of
from runs.models import PendingAction, Run
from runs.models.people import name_path
from runs.states import ActionStatus, RunStatus


class ParsedField(forms.CharField):
    """A value in the same form as in a body; an empty one filters nothing."""

    def __init__(self, *args: Any, parse: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parse = parse

    def to_python(self, value: Any) -> Any:
        """Parse it."""
        text = super().to_python(value)
        try:
            return self.parse(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]  # django-filter has no types
    """Compares with a time. django-filter's own field accepts times that overflow in UTC."""

    field_class = partial(ParsedField, parse=moment_of)


class IdFilter(django_filters.UUIDFilter):  # type: ignore[misc]  # django-filter has no types
    """Compares with an id. Django's own field accepts other spellings."""

    field_class = partial(ParsedField, parse=id_of, strip=False)


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
