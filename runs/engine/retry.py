"""Errors, classified once: what an exception means, and the pause before the next try.

An error that nobody has classified is permanent: retrying what one does not understand costs money.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

import anthropic
import httpx2
from django.db import InterfaceError, OperationalError

from runs.conf import conf
from runs.errors import PermanentError, RateLimitedError, TransientError, UnknownOutcomeError


class ErrorClass(StrEnum):
    """What may be done about an error."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    PERMANENT = "permanent"
    UNKNOWN_OUTCOME = "unknown_outcome"


_SPEND_CAPS = {"enforced_spend_limit_reached", "contract_spend_limit_reached"}
_TRANSIENT_TYPES = {"overloaded_error", "api_error", "timeout_error"}
_TRANSIENT_STATUS = {408, 409}

# First match wins, so the narrower class stands first.
_TABLE: tuple[tuple[type[BaseException], ErrorClass], ...] = (
    (RateLimitedError, ErrorClass.RATE_LIMITED),
    (UnknownOutcomeError, ErrorClass.UNKNOWN_OUTCOME),
    (PermanentError, ErrorClass.PERMANENT),
    (TransientError, ErrorClass.TRANSIENT),
    (anthropic.APIConnectionError, ErrorClass.TRANSIENT),  # timeouts too
    (httpx2.TransportError, ErrorClass.TRANSIENT),  # raw in mid-stream
    (OperationalError, ErrorClass.TRANSIENT),
    (InterfaceError, ErrorClass.TRANSIENT),
    (TimeoutError, ErrorClass.TRANSIENT),
    (ConnectionError, ErrorClass.TRANSIENT),
)


def classify(error: BaseException) -> ErrorClass:
    """Say what may be done about an error."""
    if isinstance(error, anthropic.APIStatusError):
        return _classify_status(error)
    return next((kind for cls, kind in _TABLE if isinstance(error, cls)), ErrorClass.PERMANENT)


def _classify_status(error: anthropic.APIStatusError) -> ErrorClass:
    # An error event inside a stream carries status 200: its type tells more than its status.
    if error.status_code == 429 or error.type == "rate_limit_error":
        spent = getattr(error, "error_code", None) in _SPEND_CAPS
        return ErrorClass.PERMANENT if spent else ErrorClass.RATE_LIMITED
    if error.type in _TRANSIENT_TYPES or error.status_code in _TRANSIENT_STATUS or error.status_code >= 500:
        return ErrorClass.TRANSIENT
    return ErrorClass.PERMANENT


def may_have_spent(error: BaseException) -> bool:
    """Say whether a failed model call may have cost money all the same: only a refusal surely did not."""
    if isinstance(error, anthropic.APIStatusError):
        return error.status_code == 200  # an error inside a stream that had begun
    return not isinstance(error, anthropic.APIConnectionError) or isinstance(error, anthropic.APITimeoutError)


def retry_after_s(error: BaseException, *, now: datetime | None = None) -> float | None:
    """Read how long the other side wants us to wait, in seconds; None if it did not say."""
    if isinstance(error, RateLimitedError):
        return error.retry_after_s
    if not isinstance(error, anthropic.APIStatusError):
        return None
    headers = error.response.headers
    if "retry-after-ms" in headers:
        return _number(headers["retry-after-ms"], unit_s=0.001)
    value = headers.get("retry-after", "")
    return _number(value, unit_s=1.0) if not value or value[0].isdigit() else _date(value, now)


def _number(text: str, *, unit_s: float) -> float | None:
    try:
        return max(0.0, float(text) * unit_s)
    except ValueError:
        return None


def _date(text: str, now: datetime | None) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def retry_delay_s(error: BaseException, *, attempt: int, delays_s: Sequence[float] | None = None) -> float | None:
    """Choose the pause before the next try; None means give up.

    `attempt` counts the failed tries, this one included. Retry-After wins when it is longer, and is cut to
    `retry_after_max_s`. A tenth of jitter keeps many runs from coming back at once.
    """
    if classify(error) not in (ErrorClass.TRANSIENT, ErrorClass.RATE_LIMITED):
        return None
    delays = conf().retry_delays_s if delays_s is None else delays_s
    if attempt > len(delays):
        return None
    asked = min(retry_after_s(error) or 0.0, conf().retry_after_max_s)
    return max(delays[attempt - 1], asked) * random.uniform(1.0, 1.1)  # noqa: S311 (jitter, no secret)
