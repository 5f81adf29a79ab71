"""A breach: one row that breaks one invariant; and how checks read rows as they are stored."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from string import Formatter
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model, QuerySet, TextField
from django.db.models.functions import Cast

from runs.models import Run


@dataclass(frozen=True, slots=True)
class Breach:
    """Which invariant, of which run, and how."""

    invariant: int
    run: str
    message: str

    def __str__(self) -> str:
        return f"I{self.invariant} run {self.run}: {self.message}"


Check = Callable[[], Iterator[Breach]]

CHUNK = 2000  # rows fetched at a time: a check never holds a whole table in memory


def each(invariant: int, rows: QuerySet[Any, Any], message: str, *, run: str = "") -> Iterator[Breach]:
    """Yield a breach for each of these rows.

    Shape: `message` names columns in braces, as in `step {seq} is unknown`; `run` is the column with the run's id.
    """
    run = run or ("pk" if rows.model is Run else "run")
    named = {name for _, name, _, _ in Formatter().parse(message) if name}
    for row in rows.order_by().values(*{run} | named).iterator(CHUNK):
        yield Breach(invariant, str(row[run]), message.format(**row))


def our_models() -> Iterator[type[Model]]:
    """List every model with a table of ours."""
    for app in filter(apps.is_installed, ("runs", "deadletters")):
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
