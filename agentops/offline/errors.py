"""The errors a request can be answered with, as the API words them; bytes are in `wire.py`.

OfflineApiError          any error answer: status, type, message
└── InvalidRequestError  400 invalid_request_error
"""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agentops.offline.faults import Fault

Shape = TypeVar("Shape", bound=BaseModel)


class OfflineApiError(Exception):
    """Ask for an error answer instead of a message; `fault` is the one that a script injected, if any."""

    def __init__(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        error_code: str | None = None,
        headers: Mapping[str, str] | None = None,
        fault: Fault | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message
        self.error_code = error_code
        self.headers = dict(headers or {})
        self.fault = fault


class InvalidRequestError(OfflineApiError):
    """Refuse a request that the API would refuse; the message names the field first."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "invalid_request_error", message)


# Status, type and message, unless the fault itself says them.
INJECTED = {
    "rate_limited": (
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit. Please try again later.",
    ),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "sse_error": (529, "overloaded_error", "Overloaded"),
    "server_error": (500, "api_error", "Internal server error"),
    "status": (500, "api_error", "This error was injected by the offline model."),
    "spend_limit_400": (
        400,
        "invalid_request_error",
        "You have reached your specified API usage limits. You will regain access next month.",
    ),
}


def injected_error(fault: Fault, *, at: float = 0.0) -> OfflineApiError:
    """Make the error that a fault answers with, or that it breaks off a stream with."""
    status, error_type, message = INJECTED[fault.kind]
    headers = {}
    if fault.retry_after_s is not None:
        headers["retry-after"] = str(fault.retry_after_s).removesuffix(".0")
    if fault.retry_after_date_s is not None:
        headers["retry-after"] = formatdate(at + fault.retry_after_date_s, usegmt=True)
    return OfflineApiError(
        fault.status or status,
        fault.error_type or error_type,
        fault.message or message,
        error_code=fault.error_code,
        headers=headers,
        fault=fault,
    )


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Say where the first problem is, "" for the whole, and what it is."""
    problem = error.errors(include_url=False, include_input=False)[0]
    # pydantic goes on: "a valid dictionary or instance of _Breakpoint".
    return ".".join(map(str, problem["loc"])), problem["msg"].partition(" or instance of ")[0]


def checked(shape: type[Shape], value: Any, *, where: str = "") -> Shape:
    """Read a part of a request. Raises: InvalidRequestError, its message beginning with where the problem is."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        place, problem = first_problem(error)
        raise InvalidRequestError(f"{'.'.join(filter(None, (where, place)))}: {problem}") from error
