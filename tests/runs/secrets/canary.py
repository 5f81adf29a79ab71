"""A secret that is known and one that is only shaped like one, and where they lie if they lie anywhere."""

import json
from typing import Any

from django.db import connection

from runs.secrets import known_forms

KNOWN = 'canary"7f\\3e/4711@x'
SHAPED = "ghp_Canary0123456789abcdefghijklmnop"
LEAK = f"see {KNOWN} and {SHAPED}, redis://:canary-pw@host"
_SHAPES = (SHAPED, "canary-pw")


def leaks(text: str) -> list[str]:
    """List what of the secrets stands in a text."""
    return [form for form in (*known_forms(), *_SHAPES) if form in text]


def stored() -> dict[str, list[str]]:
    """List what of the secrets stands in the database, by table and column. Every table, by no code of ours."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    if leaked := leaks(_text(value)):
                        found.setdefault(f"{table}.{name}", []).extend(leaked)
    return found


def sent(model: Any) -> list[str]:
    """List what of the secrets the model was sent."""
    return leaks(json.dumps([request["body"] for request in model.requests], ensure_ascii=False))


def _text(value: Any) -> str:
    if isinstance(value, memoryview | bytes):
        return bytes(value).decode(errors="replace")
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
