"""Times of clients: ISO 8601 with a zone. A time without one would mean another hour to each reader."""

from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime

EXPECTED = "Give a time with its zone in ISO 8601, such as 2030-01-31T08:00:00Z."


def moment_of(text: str) -> datetime:
    """Read a time, as UTC.

    Raises: ValueError if it is none, has no zone, or lies outside of what UTC can say.
    """
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise ValueError(EXPECTED)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(EXPECTED) from error
