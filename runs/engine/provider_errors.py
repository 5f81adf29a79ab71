"""Turn errors that the provider reports inside a document into the errors of a direct answer."""

from typing import Any

import anthropic
import httpx2

# The status with which the provider answers a direct request that fails in this way.
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
    """Build the error of a document from its type and the status of its response, for the classifier to judge.

    Shape of `document`: {"type": "error", "error": {"type", "message"}}, or anything else a proxy calls an error.
    """
    said = document.get("error") if isinstance(document, dict) else None
    detail = said if isinstance(said, dict) else {}
    message = detail.get("message") or (said if isinstance(said, str) else "no reason given")
    response = response or response_of(document)
    if detail.get("type") not in _STATUS_OF:  # an unknown type: it may be transient
        document = {"type": "error", "error": {"type": "api_error", "message": message}}
    return anthropic.APIStatusError(f"{where}: {message}"[:2000], response=response, body=document)


def response_of(document: Any, *, like: httpx2.Response | None = None) -> httpx2.Response:
    """Build the response that should have carried such an error; `like` is the one that did."""
    said = document.get("error") if isinstance(document, dict) else None
    kind = str(said.get("type")) if isinstance(said, dict) else ""
    request = like.request if like else httpx2.Request("POST", "batch:")
    return httpx2.Response(_STATUS_OF.get(kind, _ANY_OTHER), headers=like.headers if like else None, request=request)


def is_error(document: Any) -> bool:
    """Say whether a document is an error and not an answer."""
    if not isinstance(document, dict):
        return False
    return document.get("type") == "error" or (bool(document.get("error")) and "content" not in document)
