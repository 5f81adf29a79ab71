"""SQL made by hand, for the few statements that run at every step; everything else uses the ORM.

The ORM's compiler would cost more than the commit itself. Names in the texts are ours, values are parameters.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import Any

from django.db import connection, models

from runs.models.fields import JSONText, dump_json
from runs.models.redacted_columns import is_redacted, stored


@dataclass(frozen=True, slots=True)
class Sql:
    """A column's new value, computed by the database."""

    text: str


@dataclass(frozen=True, slots=True)
class Increment:
    """A column's new value: what it is, and so much more."""

    by: Any


@dataclass(frozen=True, slots=True)
class Statement:
    """A text with its parameters."""

    text: str
    params: Sequence[Any]


def assignments(model: type[models.Model], columns: dict[str, Any]) -> Statement:
    """Write the SET clause for these columns, given by the names of their fields."""
    parts: list[str] = []
    params: list[Any] = []
    for name, value in columns.items():
        column, convert = _column(model, name)
        if isinstance(value, Sql):
            parts.append(f"{column} = {value.text}")
        elif isinstance(value, Increment):
            parts.append(f"{column} = {column} + %s")
            params.append(convert(value.by))
        else:
            parts.append(f"{column} = %s")
            params.append(convert(value))
    return Statement(", ".join(parts), params)


class UpsertTable:
    """How the rows of one table are written: inserted, or brought up to date where they exist already."""

    def __init__(self, model: type[models.Model], *, updated: Iterable[str]) -> None:
        self._model = model
        self._fields = model._meta.concrete_fields
        self._columns = ", ".join(f'"{field.column}"' for field in self._fields)
        updates = [f'"{name}" = EXCLUDED."{name}"' for name in updated]
        self._on_conflict = f'ON CONFLICT ("id") DO UPDATE SET {", ".join(updates)}'

    def write(self, rows: Sequence[models.Model], *, only_with: str | None = None) -> Statement:
        """Build one INSERT for all rows; with `only_with`, the name of a query: nothing if that query has no row."""
        converters = _converters(self._model)
        params = [convert(getattr(row, name)) for row in rows for name, convert in converters]
        into = f'INSERT INTO "{self._model._meta.db_table}" ({self._columns})'
        if only_with is None:
            values = f"VALUES {_placeholders(len(converters), len(rows))}"
        else:
            values = f"SELECT v.* FROM {only_with}, (VALUES {_typed(self._model, len(rows))}) AS v"
        return Statement(f"{into} {values} {self._on_conflict}", params)


class RowMapper:
    """Reads whole rows of a table from a query made by hand, as the ORM would."""

    def __init__(self, model: type[models.Model], *, alias: str) -> None:
        self._model = model
        self._names = [field.attname for field in model._meta.concrete_fields]
        self.columns = ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)

    def read(self, row: Sequence[Any]) -> Any:
        """Build the object from a row that begins with `columns`."""
        values = list(row[: len(self._names)])
        for place, column, convert in _readers(self._model):
            values[place] = convert(values[place], column, connection)
        return self._model.from_db(connection.alias, self._names, values)


@dataclass(frozen=True, slots=True)
class RowSet:
    """Rows of one table, to be written together."""

    table: UpsertTable
    rows: Sequence[models.Model]

    def write(self, *, only_with: str | None = None) -> Statement:
        """Build their INSERT. Shape: as `UpsertTable.write`."""
        return self.table.write(self.rows, only_with=only_with)


def adapt(model: type[models.Model], name: str, value: Any) -> Any:
    """Turn a value of this field into what the driver takes."""
    return _column(model, name)[1](value)


@lru_cache(maxsize=256)
def _column(model: type[models.Model], name: str) -> tuple[str, Callable[[Any], Any]]:
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return f'"{field.column}"', _converter(field)


def _converter(field: Any) -> Callable[[Any], Any]:
    """Find how a value is given to the driver: what the field would do, by a shorter way."""
    if field.is_relation:
        of_key = _converter(field.target_field)
        return lambda value: of_key(value.pk if isinstance(value, models.Model) else value)
    plain = _plain_converter(field)
    return (lambda value: plain(stored(field, value))) if is_redacted(field) else plain


def _plain_converter(field: Any) -> Callable[[Any], Any]:
    if isinstance(field, JSONText):
        return lambda value: None if value is None else dump_json(value)
    return _as_it_is if connection.vendor == "postgresql" else _converter_for_sqlite(field)


def _converter_for_sqlite(field: Any) -> Callable[[Any], Any]:
    if isinstance(field, models.UUIDField):
        return lambda value: None if value is None else value.hex
    if isinstance(field, models.DateTimeField):
        return lambda value: None if value is None else str(value.astimezone(UTC).replace(tzinfo=None))
    if isinstance(field, models.DecimalField):
        return lru_cache(maxsize=512)(lambda value: field.get_db_prep_save(value, connection))
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


@lru_cache(maxsize=16)
def _converters(model: type[models.Model]) -> list[tuple[str, Callable[[Any], Any]]]:
    return [(field.attname, _converter(field)) for field in model._meta.concrete_fields]


@lru_cache(maxsize=16)
def _readers(model: type[models.Model]) -> list[tuple[int, Any, Callable[..., Any]]]:
    """Find what the ORM does to the values it reads, by their place in the row."""
    found: list[tuple[int, Any, Callable[..., Any]]] = []
    for place, field in enumerate(model._meta.concrete_fields):
        column = field.get_col(model._meta.db_table)
        converters = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        found += [(place, column, convert) for convert in converters]
    return found


@lru_cache(maxsize=64)
def _placeholders(columns: int, rows: int) -> str:
    return ", ".join([f"({', '.join(['%s'] * columns)})"] * rows)


@lru_cache(maxsize=64)
def _typed(model: type[models.Model], rows: int) -> str:
    """Name each value's type: PostgreSQL does not look at the target columns through a SELECT."""
    types = [_type_of(field) for field in model._meta.concrete_fields]
    return ", ".join([f"({', '.join(f'%s::{name}' for name in types)})"] * rows)


def _type_of(field: Any) -> str:
    target = field.target_field if field.is_relation else field
    if isinstance(target, models.CharField | models.TextField):
        return "text"  # a cast to varchar(n) would cut in silence
    return str(target.cast_db_type(connection))
