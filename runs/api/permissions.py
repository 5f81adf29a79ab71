"""Scopes: each view names those it needs, by method or action."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from runs.models import ApiToken


class HasToken(BasePermission):
    """Let a request pass if it brings a token, whatever that may do."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Look whether a token was recognised."""
        return isinstance(request.auth, ApiToken)


class HasScope(BasePermission):
    """Let a request pass if its token has the scope that the view names for the method or action."""

    message = "The token lacks the scope."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Look the scope up in the view's `scopes`; a view that names none lets nobody in."""
        if not isinstance(request.auth, ApiToken):
            return False
        if request.method not in view.allowed_methods:
            return True  # nothing happens there: the view answers 405, and no scope would help
        scope = view.scopes.get(_what(request, view))
        self.message = f"The token lacks the scope {scope!r}."
        return scope in request.auth.scopes


def _what(request: Request, view: Any) -> str:
    if hasattr(view, "action"):
        return str(view.action)
    method = str(request.method).lower()
    return "get" if method == "head" else method
