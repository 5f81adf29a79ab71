"""`costs`: what was spent, by tenant, model, day or another key, as a table, JSON or CSV."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from runs import clock
from runs.errors import InvalidInputError
from runs.models import Tenant
from runs.operations.usage import KEYS, Usage, moment_in, usage_by
from runs.operations.usage_documents import as_csv, as_document

_EMPTY = "No model call was made in this time."
_COLUMNS = {
    "calls": "calls",
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache read",
    "cache_write_tokens": "cache write",
    "web_searches": "searches",
    "cost_usd": "cost USD",
    "presumed_usd": "of it presumed",
    "reserved_usd": "reserved now",
    "saved_by_cache_usd": "saved by cache",
    "saved_by_batch_usd": "saved by batch",
}
_ALWAYS = ("calls", "cost_usd")  # the others only if there is anything in them


class Command(BaseCommand):
    help = "Show what model calls have cost, and what cache and batch saved; exits 2 if an option does not fit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", default="model", metavar="A,B", help=f"keys, of {', '.join(KEYS)} (default: model)")
        parser.add_argument("--since", default="30d", metavar="TIME", help="30d, 12h, a day, a time (default: 30d)")
        parser.add_argument("--until", default="0h", metavar="TIME", help="the same (default: now)")
        parser.add_argument("--tenant", metavar="SLUG", help="of this tenant only")
        parser.add_argument("--format", default="table", metavar="FORMAT", help="table, json or csv (default: table)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            write = _WRITERS[options["format"]]
            now = clock.now()
            usage = usage_by(
                [key.strip() for key in options["by"].split(",") if key.strip()],
                since=_moment(options, "since", now=now),
                until=_moment(options, "until", now=now),
                tenant=_tenant(options["tenant"]),
            )
        except KeyError as error:
            raise CommandError(f"--format: {error} is none; give {', '.join(_WRITERS)}", returncode=2) from error
        except InvalidInputError as error:
            raise CommandError(f"--{error}", returncode=2) from error
        except DatabaseError as error:
            raise CommandError(
                f"the database is not ready ({error}); run `manage.py migrate` first", returncode=2
            ) from error
        self.stdout.write(write(usage))


def _moment(options: dict[str, Any], name: str, *, now: datetime) -> datetime:
    try:
        return moment_in(options[name], now=now)
    except ValueError as error:
        raise InvalidInputError({name: [str(error)]}) from error


def _tenant(slug: str | None) -> Tenant | None:
    if slug is None:
        return None
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise InvalidInputError({"tenant": [f"there is no tenant {slug!r}; leave it out to see all of them"]})
    return tenant


def _table(usage: Usage) -> str:
    """Lay out a table with a line of totals, or say that there is nothing."""
    said = f"{usage.since:%Y-%m-%d %H:%M} to {usage.until:%Y-%m-%d %H:%M} UTC"
    return "\n".join([said, *_lines(usage)]) if usage.rows else f"{_EMPTY} ({said})"


def _lines(usage: Usage) -> Iterator[str]:
    """Lay out names, rows and the total: keys to the left, numbers to the right."""
    shown = [name for name in _COLUMNS if name in _ALWAYS or getattr(usage.total, name)]
    lines = [
        [*usage.by, *(_COLUMNS[name] for name in shown)],
        *([*map(str, row.keys), *(_cell(getattr(row.sums, name)) for name in shown)] for row in usage.rows),
        ["total", *[""] * (len(usage.by) - 1), *(_cell(getattr(usage.total, name)) for name in shown)],
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        keys = [cell.ljust(width) for cell, width in zip(line[: len(usage.by)], widths, strict=False)]
        numbers = [cell.rjust(width) for cell, width in zip(line[len(keys) :], widths[len(keys) :], strict=True)]
        edge = " " if number == 0 else "│"
        yield edge + edge.join(f" {cell} " for cell in [*keys, *numbers]) + edge


def _cell(value: int | Decimal) -> str:
    return f"{value:,.4f}" if isinstance(value, Decimal) else f"{value:,}"


_WRITERS: dict[str, Callable[[Usage], str]] = {
    "table": _table,
    "json": lambda usage: json.dumps(as_document(usage), ensure_ascii=False),
    "csv": as_csv,
}
