"""Bearer tokens: one tenant and one user each."""

from typing import Any

from django.db.models import Exists, OuterRef, Q
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from runs.clock import Now
from runs.models import ApiToken, Membership, hash_token

_UNKNOWN = "The token is unknown, expired or revoked."


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; `request.auth` is the token, which knows its tenant."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        """Find the token, if one was sent.

        Raises: AuthenticationFailed if it is unknown, expired or revoked, its user or tenant is disabled,
        or the user is no longer a member.
        """
        scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            return None
        if not text.isascii():  # not one of ours; and a lone surrogate cannot even be hashed
            raise AuthenticationFailed(_UNKNOWN)
        # A token ends with its user's membership in the tenant.
        member = Q(user__is_superuser=True) | Exists(
            Membership.objects.filter(user=OuterRef("user"), tenant=OuterRef("tenant"))
        )
        fresh = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
        token = (
            ApiToken.objects.filter(fresh, hash=hash_token(text.strip()), revoked_at__isnull=True)
            .filter(member, user__is_active=True, tenant__is_active=True)
            .select_related("user", "tenant")
            .first()
        )
        if token is None:
            raise AuthenticationFailed(_UNKNOWN)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Tell clients which scheme to use."""
        return 'Bearer realm="agentops"'


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular has no types
    """How the schema describes it."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Describe a bearer token."""
        return {"type": "http", "scheme": "bearer"}
