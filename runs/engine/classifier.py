"""Classify errors in one place: one table, shown by `doctor` and in the documentation.

An error that matches no row is permanent: retrying an unknown error costs money.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
from django.db import InterfaceError, OperationalError

from runs.errors import (
    ModelTimeoutError,
    PermanentError,
    RateLimitedError,
    StepTimeoutError,
    TransientError,
    UnknownOutcomeError,
)
from runs.states import ErrorClass, ErrorKind

SPEND_CAPS = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})
_OWN_SPEND_LIMIT = "You have reached your specified"  # how the message about a limit set by the customer begins
_SERVICE_TYPES = frozenset({"overloaded_error", "api_error"})
_OVERLOADED = 529
_REACHED_NOBODY = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Classification:
    """What may be done about an error, and the kind under which the failed try is counted."""

    kind: ErrorClass
    error_kind: ErrorKind | None = None  # None where there is no next try


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. `when`, if given, must also be true of the error."""

    error: type[BaseException]
    means: str
    classification: Classification
    when: Callable[[Any], bool] | None = None

    def fits(self, error: BaseException) -> bool:
        """Say whether this row matches the error."""
        return isinstance(error, self.error) and (self.when is None or self.when(error))


PERMANENT = Classification(ErrorClass.PERMANENT)
UNKNOWN_OUTCOME = Classification(ErrorClass.UNKNOWN_OUTCOME)
RATE_LIMITED = Classification(ErrorClass.RATE_LIMITED, ErrorKind.RATE_LIMIT)
TIMED_OUT = Classification(ErrorClass.TRANSIENT, ErrorKind.TIMEOUT)
UNAVAILABLE = Classification(ErrorClass.TRANSIENT, ErrorKind.SERVICE)


def is_spend_cap(error: anthropic.APIStatusError) -> bool:
    """Say whether the error means that no more money may be spent."""
    code = getattr(error, "error_code", None)
    return code in SPEND_CAPS or (error.status_code == 400 and _OWN_SPEND_LIMIT in str(error))


# First match wins, so narrower rows come first. An error event inside a stream has status 200: its type says more
# # than its status.
TABLE: tuple[Row, ...] = (
    Row(RateLimitedError, "a tool has to come back later", RATE_LIMITED),
    Row(UnknownOutcomeError, "a tool cannot tell whether it has happened", UNKNOWN_OUTCOME),
    Row(PermanentError, "the engine or a tool knows that trying again cannot help", PERMANENT),
    Row(ModelTimeoutError, "a whole model call took longer than `model_timeout_s`", TIMED_OUT),
    Row(StepTimeoutError, "a step took longer than its `timeout_s`", TIMED_OUT),
    Row(TransientError, "a tool or the engine knows that it may pass; a stream that broke off", UNAVAILABLE),
    Row(
        anthropic.APIStatusError,
        "a cap on spending is reached: 429 with `error_code` "
        f"{' or '.join(f'`{code}`' for code in sorted(SPEND_CAPS))}, 400 with a limit of one's own",
        PERMANENT,
        is_spend_cap,
    ),
    Row(
        anthropic.APIStatusError,
        "429, or `rate_limit_error` inside a stream; `ramp_limit_exceeded` too",
        RATE_LIMITED,
        lambda error: error.status_code == 429 or error.type == "rate_limit_error",
    ),
    Row(
        anthropic.APIStatusError,
        "408, or `timeout_error` inside a stream",
        TIMED_OUT,
        lambda error: error.status_code == 408 or error.type == "timeout_error",
    ),
    Row(
        anthropic.APIStatusError,
        "409, 500 and above (529: overloaded), or `overloaded_error` and `api_error` inside a stream",
        UNAVAILABLE,
        lambda error: error.status_code == 409 or error.status_code >= 500 or error.type in _SERVICE_TYPES,
    ),
    Row(anthropic.APIStatusError, "any other answer: 400, 401, 402, 403, 404, 413, 422", PERMANENT),
    Row(anthropic.APITimeoutError, "no connection, or no answer, in time", TIMED_OUT),
    Row(anthropic.APIConnectionError, "no connection, or it broke before the answer", UNAVAILABLE),
    Row(httpx2.TimeoutException, "a stream was silent for too long", TIMED_OUT),
    Row(httpx2.TransportError, "a stream was cut", UNAVAILABLE),
    Row(httpx2.DecodingError, "a compressed answer was damaged on its way", UNAVAILABLE),
    Row(OperationalError, "the database is away or refuses for the moment", UNAVAILABLE),
    Row(InterfaceError, "the connection to the database is gone", UNAVAILABLE),
    Row(TimeoutError, "anything of Python's that took too long", TIMED_OUT),
    Row(ConnectionError, "a connection of Python's that was refused or broke", UNAVAILABLE),
)
_OWN_ROWS = {
    ErrorClass.TRANSIENT: UNAVAILABLE,
    ErrorClass.RATE_LIMITED: RATE_LIMITED,
    ErrorClass.PERMANENT: PERMANENT,
    ErrorClass.UNKNOWN_OUTCOME: UNKNOWN_OUTCOME,
    ErrorClass.DISCARD: Classification(ErrorClass.DISCARD),
}


def classification_of(error: BaseException, own: Mapping[type[BaseException], str] | None = None) -> Classification:
    """Say what may be done about an error. `own` are the rows of the job type, which take precedence."""
    for cls, kind in (own or {}).items():
        if isinstance(error, cls):
            return _OWN_ROWS[ErrorClass(kind)]
    return next((row.classification for row in TABLE if row.fits(error)), PERMANENT)


def classify(error: BaseException, own: Mapping[type[BaseException], str] | None = None) -> ErrorClass:
    """Return the class alone of `classification_of`."""
    return classification_of(error, own).kind


def may_have_spent(error: BaseException) -> bool:
    """Say whether a failed model call may have cost money: not if it was rejected or reached no server.

    A 500, 503 or 504 may come after the work began. Status 200 is an error inside a stream that had begun.
    """
    if isinstance(error, anthropic.APIStatusError):
        return error.status_code == 200 or (error.status_code >= 500 and error.status_code != _OVERLOADED)
    # The SDK raises the same error for a broken connection and one never made; its cause tells them apart.
    return not (isinstance(error, anthropic.APIConnectionError) and isinstance(error.__cause__, _REACHED_NOBODY))


def table_as_markdown() -> str:
    """Render the table as Markdown; `doctor --errors` prints it, and the documentation holds the same text."""
    lines = ["| error | when | class | counted as |", "|---|---|---|---|"]
    for row in TABLE:
        home = row.error.__module__.partition(".")[0]
        name = row.error.__name__ if home == "builtins" else f"{home}.{row.error.__name__}"
        lines.append(f"| `{name}` | {row.means} | {row.classification.kind} | {row.classification.error_kind or '-'} |")
    return "\n".join([*lines, "| anything else | nobody has classified it | permanent | - |"])
