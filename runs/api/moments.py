"""Parse times from clients: RFC 3339, with a zone. A time without a zone is ambiguous."""

import re
from datetime import UTC, datetime
from typing import Any

EXPECTED = "Give a time with its zone in ISO 8601, such as 2030-01-31T08:00:00Z."
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
MOMENT = rf"{DAY}T{_CLOCK}:[0-5][0-9](\.[0-9]{{1,9}})?(Z|[+-]{_CLOCK})"
_MOMENT = re.compile(MOMENT)


def moment_of(value: Any) -> datetime:
    """Parse a time, as UTC.

    Raises: ValueError if it is not a time as text, has no zone, or is out of range in UTC.
    """
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return in_utc(value)
    raise ValueError(EXPECTED)


def in_utc(text: str) -> datetime:
    """Parse a time in Python's format. Raises: as `moment_of`."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(EXPECTED) from error
    raise ValueError(EXPECTED)
