"""Retry-After: how long the other side wants us to wait. In milliseconds, in seconds, or as a date."""

from email.utils import parsedate_to_datetime

import anthropic

from runs import clock
from runs.conf import conf
from runs.errors import RateLimitedError


def retry_after_s(error: BaseException) -> float | None:
    """Read it, in seconds and cut to `retry_after_max_s`; None if the other side did not say."""
    asked = _asked_s(error)
    return None if asked is None else min(max(0.0, asked), conf().retry_after_max_s)


def _asked_s(error: BaseException) -> float | None:
    if isinstance(error, RateLimitedError):
        asked = getattr(error, "retry_after_s", None)  # a tool may pass on the header as it came
        return None if asked is None else _number(str(asked), unit_s=1.0)
    if not isinstance(error, anthropic.APIStatusError):
        return None
    headers = error.response.headers
    if "retry-after-ms" in headers:
        return _number(headers["retry-after-ms"], unit_s=0.001)
    value = headers.get("retry-after", "")
    return _number(value, unit_s=1.0) if not value or value[0].isdigit() else _date(value)


def _number(text: str, *, unit_s: float) -> float | None:
    try:
        return float(text) * unit_s
    except ValueError:
        return None


def _date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment - clock.now()).total_seconds()
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone; OverflowError: no such zone
        return None
