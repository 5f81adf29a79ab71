"""Errors that the provider tells in a document: as if it had answered the request itself with them."""

from typing import Any

import anthropic
import httpx2

# What the provider answers to a request of its own that fails in this way.
_STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_ANY_OTHER = 500


def error_in(document: Any, *, where: str, response: httpx2.Response | None = None) -> anthropic.APIStatusError:
    """Make the error of a document, so that the one table judges it: by its type, and the status of its response.

    Shape of `document`: {"type": "error", "error": {"type", "message"}}, or whatever else a proxy calls an error.
    """
    said = document.get("error") if isinstance(document, dict) else None
    told = said if isinstance(said, dict) else {}
    message = told.get("message") or (said if isinstance(said, str) else "no reason given")
    response = response or response_of(document)
    if told.get("type") not in _STATUS_OF:  # in words that nobody knows: it may pass
        document = {"type": "error", "error": {"type": "api_error", "message": message}}
    return anthropic.APIStatusError(f"{where}: {message}"[:2000], response=response, body=document)


def response_of(document: Any, *, like: httpx2.Response | None = None) -> httpx2.Response:
    """Make the response that such an error should have come with; `like` is the one it came with."""
    said = document.get("error") if isinstance(document, dict) else None
    kind = str(said.get("type")) if isinstance(said, dict) else ""
    request = like.request if like else httpx2.Request("POST", "batch:")
    return httpx2.Response(_STATUS_OF.get(kind, _ANY_OTHER), headers=like.headers if like else None, request=request)


def is_error(document: Any) -> bool:
    """Say whether a document tells of an error and answers nothing."""
    if not isinstance(document, dict):
        return False
    return document.get("type") == "error" or (bool(document.get("error")) and "content" not in document)
