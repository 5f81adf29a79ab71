"""Invariant of values: each column holds valid values, even after somebody has edited rows by hand.

The number is ours: the failure specification ends at I25.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Model

from runs.invariants.breach import CHUNK, Breach, as_text, our_models, run_column
from runs.models.fields import JSONText
from runs.strict_json import strict_json

# SQLite stores any value in any column; PostgreSQL enforces the types.
_NUMBER = "TYPEOF({0}) IN ('integer', 'real')"
_MOMENT = "TYPEOF({0}) = 'text' AND JULIANDAY({0}) IS NOT NULL"
_IS_TEXT = "TYPEOF({0}) = 'text'"
_INTEGERS = ("integer", "integer unsigned", "bigint", "bigint unsigned", "smallint unsigned")
_IN_SQLITE = dict.fromkeys(_INTEGERS, "TYPEOF({0}) = 'integer'") | {
    "real": _NUMBER,
    "decimal": _NUMBER,
    "bool": "{0} IN (0, 1)",
    "date": _MOMENT,
    "datetime": _MOMENT,
    "char(32)": "LENGTH({0}) = 32 AND NOT {0} GLOB '*[^0-9a-f]*'",
    "BLOB": "TYPEOF({0}) = 'blob'",
}


def values_are_what_they_should_be() -> Iterator[Breach]:
    """I26: references point to a row, statuses and kinds are known, numbers are numbers. One query per table."""
    for model in our_models():
        wrong = list(_wrong_values(model))
        if not wrong:
            continue
        with connection.cursor() as cursor:
            cursor.execute(*_query(model, wrong))
            for pk, run, *is_wrong in cursor:
                yield from (_breach(model, pk, run, one.what) for one, so in zip(wrong, is_wrong, strict=True) if so)


def json_can_be_read() -> Iterator[Breach]:
    """I26: every JSON column holds JSON."""
    for model in our_models():
        columns = [field.attname for field in model._meta.concrete_fields if isinstance(field, JSONText)]
        texts = [as_text(name) for name in ("pk", run_column(model), *columns)]
        rows = model._base_manager.order_by().values_list(*texts)
        for pk, run, *values in rows.iterator(CHUNK) if columns else ():
            for column, text in zip(columns, values, strict=True):
                if not _is_json(text):
                    yield _breach(model, pk, run, f"{column} holds no JSON")


class _Wrong(NamedTuple):
    """What may be wrong with a row, and the condition that finds it."""

    what: str
    sql: str
    params: Sequence[str] = ()


def _wrong_values(model: type[Model]) -> Iterator[_Wrong]:
    for field in model._meta.concrete_fields:
        column = f'r."{field.column}"'
        if field.remote_field:
            target = field.remote_field.model._meta
            there = f'SELECT 1 FROM "{target.db_table}" AS t WHERE t."{target.pk.column}" = {column}'  # noqa: S608 (names of ours)
            yield _Wrong(f"{field.column} leads to no row", f"{column} IS NOT NULL AND NOT EXISTS ({there})")
        if field.choices:
            known = [value for value, _ in field.flatchoices] + [""] * field.blank
            places = ", ".join(["%s"] * len(known))
            yield _Wrong(f"{field.column} holds an unknown value", f"{column} NOT IN ({places})", known)
        if connection.vendor == "sqlite":
            kind = str(field.rel_db_type(connection) if field.remote_field else field.db_type(connection))
            has_its_type = _IN_SQLITE.get(kind, _IS_TEXT).format(column)
            yield _Wrong(
                f"{field.column} holds a value of another type", f"{column} IS NOT NULL AND NOT ({has_its_type})"
            )


def _query(model: type[Model], wrong: Sequence[_Wrong]) -> tuple[str, Sequence[str]]:
    """Build the query for faulty rows and their faults. Its names are ours; values are parameters.

    A row's id and run are read as texts: an id itself may be unreadable.
    """
    pk, run = model._meta.pk.column, run_column(model)
    named = f'CAST(r."{pk}" AS text), CAST(r."{pk if run == "pk" else run}" AS text)'
    faults = [f"({one.sql})" for one in wrong]
    where = " OR ".join(faults)
    text = f'SELECT {named}, {", ".join(faults)} FROM "{model._meta.db_table}" AS r WHERE {where}'  # noqa: S608 (names of ours)
    return text, [param for one in wrong for param in one.params] * 2


def _breach(model: type[Model], pk: str, run: str, what: str) -> Breach:
    return Breach(26, _as_id(run), f"{model._meta.db_table}, row {_as_id(pk)}: {what}")


def _as_id(text: str) -> str:
    try:
        return str(UUID(text))
    except (ValueError, TypeError):
        return str(text)


def _is_json(text: str | None) -> bool:
    try:
        strict_json("null" if text is None else text)
    except ValueError:
        return False
    return True
