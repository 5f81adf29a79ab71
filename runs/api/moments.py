"""Times of clients: RFC 3339, with a zone. A time without one would mean another hour to each reader."""

import re
from datetime import UTC, datetime

EXPECTED = "Give a time with its zone in ISO 8601, such as 2030-01-31T08:00:00Z."
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
MOMENT = rf"{DAY}T{_CLOCK}:[0-5][0-9](\.[0-9]{{1,9}})?(Z|[+-]{_CLOCK})"
_MOMENT = re.compile(MOMENT)


def moment_of(text: str) -> datetime:
    """Read a time, as UTC.

    Raises: ValueError if it is none, has no zone, or lies outside of what UTC can say.
    """
    if not _MOMENT.fullmatch(text):
        raise ValueError(EXPECTED)
    return in_utc(text)


def in_utc(text: str) -> datetime:
    """Read a time as Python writes it. Raises: as `moment_of`."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(EXPECTED) from error
    raise ValueError(EXPECTED)
