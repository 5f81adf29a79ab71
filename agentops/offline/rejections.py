"""The errors behind injected rejections, worded as the API words them."""

from agentops.offline.errors import ApiError
from agentops.offline.faults import Fault

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


def rejection(fault: Fault) -> ApiError:
    """Make the error that a rejecting fault answers with."""
    status, error_type = STATUSES.get(fault.kind) or (fault["status"], fault["error_type"])
    message = fault["message"] or MESSAGES[fault.kind]
    return ApiError(status, error_type, message, error_code=fault.options.get("error_code"))


def overloaded_error(fault: Fault) -> ApiError:
    """Make the error that a stream breaks off with."""
    return rejection(fault)
