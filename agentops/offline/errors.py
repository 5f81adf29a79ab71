"""The errors a request can be answered with; the wire shape is in `wire.py`.

ApiError                 any error answer: status, type, message
└── InvalidRequestError  400 invalid_request_error
"""

from collections.abc import Mapping


class ApiError(Exception):
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


class InvalidRequestError(ApiError):
    """Refuse a request that the API would refuse; the message names the field first."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "invalid_request_error", message)
