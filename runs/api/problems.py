"""Turn errors into RFC 9457 problem documents with a stable `code`. No answer is a stack trace."""

import logging
import math
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.urls import resolve
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions

from runs.errors import (
    ConflictError,
    InvalidInputError,
    InvalidTransitionError,
    NotPermittedError,
    QueueFullError,
    RunsError,
)
from runs.sanitize import clean, cut

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
_DETAIL_MAX = 2000
_NAME_MAX = 300
_ERRORS_MAX = 20
_STATUSES = {NotPermittedError: 403, ConflictError: 409, InvalidTransitionError: 409, QueueFullError: 429}
_CODES = {400: "malformed", 401: "unauthenticated", 403: "forbidden", 405: "method_not_allowed", 429: "rate_limited"}
_TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not permitted",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Too slow",
    409: "Wrong state",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid",
    429: "Too many requests",
    500: "Server error",
    503: "Unavailable",
}


def problem(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> JsonResponse:
    """Build a problem document.

    Not a DRF response: a problem is always JSON, whatever the client accepts or the view renders.
    """
    document = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "code": code}
    document |= {"detail": cut(detail, _DETAIL_MAX)} | more
    headers = {"Cache-Control": "no-store"} | (headers or {})
    # This echoes client input; lone surrogates cannot be encoded.
    return JsonResponse(clean(document), status=status, headers=headers, content_type=CONTENT_TYPE)


def problem_response(error: Exception, context: dict[str, Any]) -> JsonResponse:
    """Translate an exception of a view; DRF's exception handler."""
    match error:
        case InvalidInputError():
            return _invalid(error)
        case exceptions.ValidationError(detail=dict() as errors):  # of a filter
            return _invalid(InvalidInputError(errors))
        case RunsError():
            status = next((number for kind, number in _STATUSES.items() if isinstance(error, kind)), 422)
            headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, QueueFullError) else None
            return problem(status, error.code, str(error), headers=headers)
    return _of_framework(error)


def _invalid(error: InvalidInputError) -> JsonResponse:
    """Name the invalid fields, but only the first few: a small body can have a hundred thousand errors."""
    errors = [(field, message) for field, messages in error.errors.items() for message in messages]
    named = [{"field": cut(field, _NAME_MAX), "message": cut(text, _NAME_MAX)} for field, text in errors[:_ERRORS_MAX]]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in named)
    return problem(422, error.code, detail, errors=named)


def _of_framework(error: Exception) -> JsonResponse:
    match error:
        case OperationalError() | InterfaceError():
            log.error("the database is away: %s", error)
            return problem(503, "database_away", "The database is away; try again.", headers={"Retry-After": "2"})
        case Http404() | exceptions.NotFound():
            return problem(404, "not_found", "There is no such object, or it belongs to another tenant.")
        case PermissionDenied():
            return problem(403, "forbidden", str(error) or "Not permitted.")
        case SuspiciousOperation():
            return problem(400, "malformed", "The request is malformed.")
        case exceptions.APIException():
            code = _CODES.get(error.status_code, str(getattr(error, "default_code", "error")))
            return problem(error.status_code, code, str(error.detail), headers=_headers(error))
    log.exception("a request failed", exc_info=error)
    return problem(500, "server_error", "Something went wrong here; it has been logged.")


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    return headers


@login_not_required
@csrf_exempt
def unknown_address(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer 404 for an unknown address of the API, with a hint if only the final slash is missing.

    Without this, Django would redirect a POST, which most clients then repeat as a GET, without its body.
    """
    slashed = f"{request.path_info}/"
    if request.path_info.endswith("/") or _leads_here(slashed):
        return problem(404, "not_found", f"There is nothing at {request.path}.")
    if request.method in ("GET", "HEAD"):
        return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
    return problem(404, "not_found", f"There is nothing at {request.path}; addresses end in a slash.")


def _leads_here(path: str) -> bool:
    return resolve(path).func is unknown_address
