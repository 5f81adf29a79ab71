"""The errors a request can be answered with, injected ones worded as the API words them; bytes are in `wire.py`.

ApiError                 any error answer: status, type, message
└── InvalidRequestError  400 invalid_request_error
"""

from collections.abc import Mapping

from agentops.offline.faults import Fault


class OfflineApiError(Exception):
    """Ask for an error answer instead of a message."""

    def __init__(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        error_code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message
        self.error_code = error_code
        self.headers = dict(headers or {})


class InvalidRequestError(OfflineApiError):
    """Refuse a request that the API would refuse; the message names the field first."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "invalid_request_error", message)


MESSAGES = {
    "rate_limited": "This request would exceed your organization's rate limit. Please try again later.",
    "overloaded": "Overloaded",
    "sse_error": "Overloaded",
    "server_error": "Internal server error",
    "status": "This error was injected by the offline model.",
    "spend_limit_400": "You have reached your specified API usage limits. You will regain access next month.",
}

STATUSES = {
    "rate_limited": (429, "rate_limit_error"),
    "overloaded": (529, "overloaded_error"),
    "sse_error": (529, "overloaded_error"),
    "server_error": (500, "api_error"),
    "spend_limit_400": (400, "invalid_request_error"),
}


def rejection(fault: Fault) -> OfflineApiError:
    """Make the error that a rejecting fault answers with."""
    status, error_type = STATUSES.get(fault.kind) or (fault["status"], fault["error_type"])
    message = fault["message"] or MESSAGES[fault.kind]
    return OfflineApiError(status, error_type, message, error_code=fault.options.get("error_code"))


def overloaded_error(fault: Fault) -> OfflineApiError:
    """Make the error that a stream breaks off with."""
    return rejection(fault)
