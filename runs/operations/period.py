"""How people name a time of the past: `30d`, a day, or a moment with its zone."""

import re
from datetime import UTC, datetime, timedelta

EXPECTED = "give a span such as 30d or 12h, a day such as 2030-01-31, or a time with its zone, 2030-01-31T08:00:00Z"
_SPAN = re.compile(r"([0-9]{1,6})([hdw])", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment_in(text: str, *, now: datetime) -> datetime:
    """Read a time: a span counts back from now, a day begins in UTC.

    Raises: ValueError that says what may be given.
    """
    try:
        if span := _SPAN.fullmatch(text):
            return now - int(span[1]) * _UNITS[span[2]]
        moment = datetime.fromisoformat(text)
        if _DAY.fullmatch(text):
            return moment.replace(tzinfo=UTC)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(EXPECTED) from error
    raise ValueError(EXPECTED)
