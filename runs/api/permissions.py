"""Scopes: each view names the one that reads, and the one that writes."""

from typing import Any, cast

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from runs.models import ApiToken, PendingAction


class HasToken(BasePermission):
    """Allow a request with any valid token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether a token was recognised."""
        return isinstance(request.auth, ApiToken)


class HasScope(BasePermission):
    """Allow a request if its token has the scope that the view names for reading or writing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Look up the scope; a view without one allows nobody."""
        if not isinstance(request.auth, ApiToken):
            return False
        if request.method not in view.allowed_methods:
            return True  # the view answers 405, so no scope would help
        scope = view.reads if request.method in SAFE_METHODS else view.writes
        self.message = f"The token lacks the scope {scope!r}."
        return scope in request.auth.scopes and self._is_wide_enough(request.auth, request, view)

    def _is_wide_enough(self, token: ApiToken, request: Request, view: Any) -> bool:
        """Refuse a narrowed token if the address names no object, unless the view checks the job type."""
        self.message = "The token acts on some job types only, and this is about more than those."
        about_one = request.method in SAFE_METHODS or getattr(view, "detail", False)
        return token.job_types is None or about_one or view.action in view.looks_at_job_types

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        """Let a narrowed token read everything, but act only on objects of its job types."""
        token = cast(ApiToken, request.auth)  # guaranteed by `has_permission`
        job_type = obj.run.job_type if isinstance(obj, PendingAction) else getattr(obj, "job_type", "")
        self.message = not_narrowed_to(token, job_type)
        return request.method in SAFE_METHODS or token.acts_on(job_type)


def not_narrowed_to(token: ApiToken, job_type: str) -> str:
    """Word the refusal of a job type that the token does not cover."""
    what = f"the job type {job_type!r}" if job_type else "what concerns every job type"
    return f"The token does not act on {what}; it acts on {', '.join(token.job_types or ())}."
