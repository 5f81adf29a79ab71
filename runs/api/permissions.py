"""Scopes: each view names those it needs, by method."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from runs.models import ApiToken


class HasScope(BasePermission):
    """Let a request pass if its token has the scope that the view names for the method or action."""

    message = "The token lacks the scope."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Look the scope up in the view's `scopes`; a view that names none lets nobody in."""
        if not isinstance(request.auth, ApiToken):
            return False
        action = getattr(view, "action", None) or request.method.lower()
        scope = view.scopes.get(action)
        self.message = f"The token lacks the scope {scope!r}."
        return scope in request.auth.scopes
