"""The clocks, and the one seam at which tests move them.

The database's clock measures leases, deadlines and decisions, so that a machine whose own clock is wrong does no
harm. The process's monotonic clock measures what passes inside it. Nothing else decides anything about runs.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now as DatabaseNow

_ahead = timedelta()


def advance(seconds: float) -> None:
    """Let both clocks of this process run ahead by so much more. For tests."""
    global _ahead  # noqa: PLW0603 (the seam)
    _ahead += timedelta(seconds=seconds)


def reset() -> None:
    """Let both clocks tell the real time again. For tests."""
    advance(-_ahead.total_seconds())


def now() -> datetime:
    """Ask the database what time it is."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql()}", [])
        return read(cursor.fetchone()[0])


def ahead_s() -> float:
    """Say by how much both clocks run ahead, for a third one that must keep step with them."""
    return _ahead.total_seconds()


def read(moment: str | datetime) -> datetime:
    """Read what `sql()` has answered: SQLite answers with a text."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC) if isinstance(moment, str) else moment


def sql() -> str:
    """Write «now, by the database's clock» for a statement made by hand."""
    ahead_s = _ahead.total_seconds()
    if connection.vendor == "sqlite":
        moved = f", '{ahead_s:+f} seconds'" if ahead_s else ""
        return f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW'{moved})"
    return f"(STATEMENT_TIMESTAMP() + INTERVAL '{ahead_s:f} seconds')" if ahead_s else "STATEMENT_TIMESTAMP()"


def monotonic() -> float:
    """Tell the process's own clock, in seconds; only differences mean anything."""
    return time.monotonic() + _ahead.total_seconds()


def wall() -> float:
    """Tell this machine's time of day, in seconds since 1970: for what may be wrong by as much as that clock is."""
    return time.time() + _ahead.total_seconds()


def in_seconds(seconds: float) -> Combinable:
    """Build the expression «this many seconds from now» for use inside an UPDATE or a filter."""
    ahead: Any = timedelta(seconds=seconds) + _ahead
    return ExpressionWrapper(DatabaseNow() + ahead, output_field=DateTimeField()) if ahead else DatabaseNow()


def Now() -> Combinable:  # noqa: N802 (stands where Django's own Now stood)
    """Build the expression «now, by the database's clock»."""
    return in_seconds(0)
