"""Statements that PostgreSQL plans once and then runs many times: planning the long ones costs as much as running them.

Django binds parameters in the client, so that each text is new to the server. Here they are bound by the server, and
`prepare_threshold` in the options of the database says from which repetition on a statement is prepared.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

from django.db import connection


@contextmanager
def prepared_cursor() -> Iterator[Any]:
    """Yield a cursor of the default connection; on PostgreSQL its statements are prepared when they come again.

    Not while Django logs its queries: a prepared one cannot say what it was.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:  # SQLite's driver does so by itself
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.ensure_connection()
    raw = _cursor_class()(connection.connection)
    with connection._prepare_cursor(raw) as cursor:  # type: ignore[attr-defined]  # what `connection.cursor()` does
        yield cursor


@cache
def _cursor_class() -> type[Any]:
    """Build the class on first use: on SQLite there is no psycopg."""
    from psycopg import RawCursor
    from psycopg.types.numeric import Int8Dumper

    class PreparedCursor(RawCursor[Any]):
        """Gives every whole number one type, since the same text with other types is another statement."""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.adapters.register_dumper(int, Int8Dumper)

        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            """Run a statement with Django's placeholders."""
            return super().execute(_numbered(query), params, **options)

    return PreparedCursor


@lru_cache(maxsize=512)
def _numbered(text: str) -> bytes:
    """Write each `%s` as `$1`, `$2` and so on: psycopg would redo it each time for statements as long as ours."""
    parts = text.split("%s")
    numbered = "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1))
    return (numbered + parts[-1]).replace("%%", "%").encode()
