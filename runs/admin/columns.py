"""Columns of lists and pages, made from a field: under a label in words, and written as the console writes."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin

from runs.admin import show

Column = Callable[[Any], Any]


def column(name: str, label: str, write: Callable[[Any], Any] = str, *, empty: str = "-") -> Column:
    """Make a column of a field; `empty` stands where it says nothing."""

    @admin.display(description=label, ordering=name)
    def shown(record: Any) -> Any:
        value = getattr(record, name)
        return empty if value is None or value == "" else write(value)

    shown.__name__ = name
    return shown


def moment_column(name: str, label: str, *, empty: str = "never") -> Column:
    """Make a column that shows a time the one way the console does, in UTC."""
    return column(name, f"{label} (UTC)", show.minute, empty=empty)


def clip_column(name: str, label: str) -> Column:
    """Make a column of a long text: its beginning, and all of it under the pointer and on the row's page."""
    return column(name, label, show.clipped)


CREATED = moment_column("created_at", "created")
