"""Sum up spending by any of the ledger's keys, for the command, the API and the console."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import CharField, Count, F, Func, Q, QuerySet, Sum

from runs.errors import InvalidInputError
from runs.models import ModelCall, ModelCallStatus, Tenant
from runs.models.fields import first_id_at
from runs.models.people import name_path

_ALSO_CALLED = {"agent": "job_type"}
ROWS_MAX = 10_000
_UNIT = Decimal("0.00000001")
_EPOCH, _LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_CLOCKS_APART = timedelta(days=1)  # ids hold the worker's clock; a worse clock could not even open a TLS connection


class UtcDay(Func):
    """The day of a time, in UTC, as text. On SQLite, Django's own function calls Python for each row."""

    output_field = CharField()
    template = "SUBSTR(%(expressions)s, 1, 10)"  # SQLite stores times as text, in UTC

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Render the day in UTC, whatever the connection's time zone."""
        context["template"] = "TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        return self.as_sql(compiler, connection, **context)


_PATHS = {
    "tenant": F("run__tenant__slug"),
    "user": F(name_path("run__requested_by")),
    "job_type": F("run__job_type"),
    "origin": F("run__origin"),
    "model": F("model"),
    "day": UtcDay("started_at"),
    "status": F("status"),
}
KEYS = tuple(_PATHS)


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of some calls. `cost_usd` includes `presumed_usd`, but not the reserves of calls in flight."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    web_searches: int = 0
    cost_usd: Decimal = Decimal(0)
    presumed_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)
    saved_by_cache_usd: Decimal = Decimal(0)
    saved_by_batch_usd: Decimal = Decimal(0)


_SUMS = {field.name: Sum(field.name) for field in fields(Sums)} | {
    "calls": Count("pk"),
    "presumed_usd": Sum("cost_usd", filter=Q(status=ModelCallStatus.PRESUMED)),
    "reserved_usd": Sum("reserved_usd", filter=Q(status=ModelCallStatus.STARTED)),
}


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One row: the values of the requested keys, in order, and the sums."""

    keys: tuple[str, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Usage:
    """A whole answer. The period includes its start and excludes its end."""

    by: tuple[str, ...]
    since: datetime
    until: datetime
    rows: tuple[UsageRow, ...]
    total: Sums


def usage_by(by: Sequence[str], *, since: datetime, until: datetime, tenant: Tenant | None = None) -> Usage:
    """Sum up the model calls begun in a period, by these keys; `tenant` None means all tenants.

    A try that certainly cost nothing (`released`) does not count. Raises: InvalidInputError naming `by` or `since`.
    """
    keys = _checked(by)
    if since >= until:
        raise InvalidInputError({"since": [f"must lie before `until`, {until:%Y-%m-%dT%H:%M:%SZ}"]})
    named = {f"key_{key}": _PATHS[key] for key in keys}
    summed = {f"sum_{name}": aggregate for name, aggregate in _SUMS.items()}
    found = _calls(since, until, tenant).order_by().values(**named).annotate(**summed).order_by(*named)
    rows = tuple(_row(dict(one), keys) for one in found[: ROWS_MAX + 1])
    if len(rows) > ROWS_MAX:
        raise InvalidInputError({"since": [f"gives more than {ROWS_MAX} rows: ask for a shorter time or fewer keys"]})
    total = {name: sum((getattr(row.sums, name) for row in rows), getattr(Sums(), name)) for name in _SUMS}
    return Usage(keys, since, until, rows, Sums(**total))


def _checked(by: Sequence[str]) -> tuple[str, ...]:
    by = [_ALSO_CALLED.get(key, key) for key in by]
    unknown = [key for key in by if key not in KEYS]
    if unknown or not by:
        said = f"there is no key {unknown[0][:50]!r}" if unknown else "names no key"
        raise InvalidInputError({"by": [f"{said}; give some of {', '.join(KEYS)}, with commas between"]})
    return tuple(dict.fromkeys(by))


def _calls(since: datetime, until: datetime, tenant: Tenant | None) -> QuerySet[ModelCall]:
    """Select the calls of a period. Ids sort by time, so a period is a range of the primary key."""
    first = first_id_at(max(since, _EPOCH + _CLOCKS_APART) - _CLOCKS_APART)
    last = first_id_at(max(min(until, _LAST - _CLOCKS_APART) + _CLOCKS_APART, _EPOCH))
    calls = ModelCall.objects.filter(pk__gte=first, pk__lt=last, started_at__gte=since, started_at__lt=until)
    calls = calls.exclude(status=ModelCallStatus.RELEASED)
    return calls if tenant is None else calls.filter(run__tenant=tenant)


def _row(found: dict[str, Any], keys: tuple[str, ...]) -> UsageRow:
    sums: dict[str, Any] = {}
    for name in _SUMS:
        value = found[f"sum_{name}"] or 0
        # SQLite sums decimals as floats.
        sums[name] = Decimal(value).quantize(_UNIT) if name.endswith("_usd") else int(value)
    return UsageRow(tuple(str(found[f"key_{key}"]) for key in keys), Sums(**sums))


EXPECTED = "give a span such as 30d or 12h, a day such as 2030-01-31, or a time with its zone, 2030-01-31T08:00:00Z"
_SPAN = re.compile(r"([0-9]{1,6})([hdw])", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment_in(text: str, *, now: datetime) -> datetime:
    """Parse a time: a span counts back from now, a day starts in UTC.

    Raises: ValueError that lists the accepted forms.
    """
    with suppress(ValueError, OverflowError):
        if span := _SPAN.fullmatch(text):
            return now - int(span[1]) * _UNITS[span[2]]
        moment = datetime.fromisoformat(text)
        if _DAY.fullmatch(text):
            return moment.replace(tzinfo=UTC)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    raise ValueError(EXPECTED)
