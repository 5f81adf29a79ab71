"""Rows as stored: our tables, the run that a row belongs to, and JSON read from its text."""

import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model, TextField
from django.db.models.functions import Cast

_APPS = ("runs", "deadletters")


def our_models() -> Iterator[type[Model]]:
    """List every model with a table of ours."""
    for app in filter(apps.is_installed, _APPS):
        yield from apps.get_app_config(app).get_models()


def run_column(model: type[Model]) -> str:
    """Name the column with the run of a row; the primary key if the table has no such column."""
    names: dict[str, Any] = {field.name: field.attname for field in model._meta.concrete_fields}
    return str(names.get("run") or names.get("run_id") or "pk")


def look_at_every_table() -> None:
    """Query all columns of each table, without rows. Raises: DatabaseError if the database is away or behind."""
    with connection.cursor() as cursor:
        for model in our_models():
            columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
            cursor.execute(f'SELECT {columns} FROM "{model._meta.db_table}" WHERE 1 = 0')  # noqa: S608 (names of ours)


def as_text(column: str) -> Cast:
    """Select a JSON column as its raw text."""
    return Cast(column, TextField())


def read(text: str | None, name: str) -> Any:
    """Return a member by name; None if it is missing, or the text is not a JSON object."""
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return value.get(name) if isinstance(value, dict) else None
