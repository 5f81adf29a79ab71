"""Errors as RFC 9457 problem documents with a stable `code`. No answer is a stack trace."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from deadletters.errors import DeadLettersError
from runs.errors import (
    ConflictError,
    InvalidInputError,
    InvalidTransitionError,
    NotPermittedError,
    RunsError,
)

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
_TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not permitted",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Wrong state",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid",
    429: "Too many requests",
    500: "Server error",
    503: "Unavailable",
}


def problem(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """Build a problem document."""
    document = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "code": code}
    return Response(document | {"detail": detail} | more, status=status, headers=headers, content_type=CONTENT_TYPE)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate an exception of a view; DRF's exception handler."""
    set_rollback()
    match error:
        case InvalidInputError():
            errors = [
                {"field": field, "message": message} for field, messages in error.errors.items() for message in messages
            ]
            return problem(422, error.code, str(error), errors=errors)
        case ConflictError():
            return problem(422 if "Idempotency-Key" in str(error) else 409, error.code, str(error))
        case InvalidTransitionError() | DeadLettersError():
            return problem(409, error.code, str(error))
        case NotPermittedError():
            return problem(403, error.code, str(error))
        case OperationalError() | InterfaceError():
            log.error("the database is away: %s", error)
            return problem(503, "database_away", "The database is away; try again.", headers={"Retry-After": "2"})
        case RunsError():
            return problem(422, error.code, str(error))
        case _:
            return _of_framework(error)


def _of_framework(error: Exception) -> Response:
    match error:
        case exceptions.ValidationError():
            errors = list(_flatten(error.detail))
            detail = "; ".join(f"{e['field']}: {e['message']}" for e in errors)
            return problem(422, "invalid", detail, errors=errors)
        case Http404() | exceptions.NotFound():
            return problem(404, "not_found", "There is no such object, or it belongs to another tenant.")
        case PermissionDenied():
            return problem(403, "forbidden", str(error) or "Not permitted.")
        case exceptions.APIException():
            code = _CODES.get(error.status_code, str(getattr(error, "default_code", "error")))
            return problem(error.status_code, code, str(error.detail), headers=_headers(error))
    log.exception("a request failed", exc_info=error)
    return problem(500, "server_error", "Something went wrong here; it has been logged.")


_CODES = {400: "malformed", 401: "unauthenticated", 403: "forbidden", 405: "method_not_allowed"}


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return headers


def _flatten(detail: Any, path: str = "") -> Any:
    """Name each wrong field by its path."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flatten(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        for index, inner in enumerate(detail):
            yield from _flatten(inner, f"{path}.{index}")
    elif isinstance(detail, list):
        for message in detail:
            yield {"field": path, "message": str(message)}
    else:
        yield {"field": path, "message": str(detail)}


def page_not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer an unknown address of the API."""
    return _plain(404, "not_found", f"There is nothing at {request.path}.")


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer what nobody foresaw, without a stack trace."""
    return _plain(500, "server_error", "Something went wrong here; it has been logged.")


def _plain(status: int, code: str, detail: str) -> JsonResponse:
    document = {
        "type": "about:blank",
        "title": _TITLES[status],
        "status": status,
        "code": code,
        "detail": detail,
    }
    return JsonResponse(document, status=status, content_type=CONTENT_TYPE)
