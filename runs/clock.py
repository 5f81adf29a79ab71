"""The clocks, and the one seam where tests move them.

The database's clock measures leases, deadlines and decisions, so that a machine with a wrong clock does no harm. The
process's monotonic clock measures durations inside it. No other clock decides anything about runs.
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
    """Move both clocks of this process ahead by `seconds` more. For tests."""
    global _ahead  # noqa: PLW0603 (the seam)
    _ahead += timedelta(seconds=seconds)


def reset() -> None:
    """Reset both clocks to the real time. For tests."""
    advance(-_ahead.total_seconds())


def now() -> datetime:
    """Return the database's time. Costs a query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql()}", [])
        return read(cursor.fetchone()[0])


def ahead_s() -> float:
    """Return how far both clocks are ahead, for a third clock that must match them."""
    return _ahead.total_seconds()


def read(moment: str | datetime) -> datetime:
    """Read the result of `sql()`: SQLite returns a text."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC) if isinstance(moment, str) else moment


def sql() -> str:
    """Write «now, by the database's clock» for a hand-written statement."""
    ahead_s = _ahead.total_seconds()
    if connection.vendor == "sqlite":
        moved = f", '{ahead_s:+f} seconds'" if ahead_s else ""
        return f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW'{moved})"
    return f"(STATEMENT_TIMESTAMP() + INTERVAL '{ahead_s:f} seconds')" if ahead_s else "STATEMENT_TIMESTAMP()"


def monotonic() -> float:
    """Return the process's monotonic clock, in seconds; only differences are meaningful."""
    return time.monotonic() + _ahead.total_seconds()


def wall() -> float:
    """Return this machine's time, in seconds since 1970: for uses where a wrong clock does no harm."""
    return time.time() + _ahead.total_seconds()


def in_seconds(seconds: float) -> Combinable:
    """Build the expression «this many seconds from now» for use inside an UPDATE or a filter."""
    ahead: Any = timedelta(seconds=seconds) + _ahead
    return ExpressionWrapper(DatabaseNow() + ahead, output_field=DateTimeField()) if ahead else DatabaseNow()


def Now() -> Combinable:  # noqa: N802 (replaces Django's own Now)
    """Build the expression «now, by the database's clock»."""
    return in_seconds(0)
