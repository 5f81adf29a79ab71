"""Rows as they are stored: our tables, the run that a row is about, and JSON read from its text."""

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
    """Name the column that tells which run a row is about; the row itself if it is about none."""
    names: dict[str, Any] = {field.name: field.attname for field in model._meta.concrete_fields}
    return str(names.get("run") or names.get("run_id") or "pk")


def look_at_every_table() -> None:
    """Ask each table for all its columns and no row. Raises: DatabaseError if the database is away or behind."""
    with connection.cursor() as cursor:
        for model in our_models():
            columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
            cursor.execute(f'SELECT {columns} FROM "{model._meta.db_table}" WHERE 1 = 0')  # noqa: S608 (names of ours)


def as_text(column: str) -> Cast:
    """Select a column of JSON as the text that it is."""
    return Cast(column, TextField())


def read(text: str | None, name: str) -> Any:
    """Return the member of this name; None if it is missing, or the text is no JSON object."""
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return value.get(name) if isinstance(value, dict) else None
