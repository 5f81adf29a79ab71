"""Render usage as JSON and CSV, the same for the command and the API."""

import csv
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from runs.operations.usage import Sums, Usage

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a spreadsheet formula starts


def as_document(usage: Usage) -> dict[str, Any]:
    """Render usage as JSON: money as decimal strings, times in UTC."""
    results = [{**dict(zip(usage.by, row.keys, strict=True)), **_sums(row.sums)} for row in usage.rows]
    return {
        "by": list(usage.by),
        "since": _moment(usage.since),
        "until": _moment(usage.until),
        "results": results,
        "next": None,
        "total": _sums(usage.total),
    }


def as_csv(usage: Usage) -> str:
    """Render usage as CSV: a header line, then one line per row; no totals, which a spreadsheet adds itself."""
    lines = StringIO()
    writer = csv.writer(lines)
    writer.writerow([*usage.by, *_sums(usage.total)])
    for row in usage.rows:
        writer.writerow([*map(_harmless, row.keys), *_sums(row.sums).values()])
    return lines.getvalue()


def _harmless(text: str) -> str:
    """Quote a name that a spreadsheet would run as a formula: names of users and models are foreign input."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _sums(sums: Sums) -> dict[str, int | str]:
    named = asdict(sums).items()
    return {name: f"{value.normalize():f}" if isinstance(value, Decimal) else value for name, value in named}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
