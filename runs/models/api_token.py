"""API tokens: stored as a hash, shown once."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable

from django.conf import settings
from django.db import models

from runs.models.fields import JSONText
from runs.models.tenant import Tenant

SCOPES = {
    "runs:read": "read runs, their steps and job types",
    "runs:write": "post, cancel, retry and answer runs",
    "actions:read": "read pending actions",
    "actions:decide": "approve, reject and resolve pending actions",
    "dead_letters:read": "read dead letters",
    "dead_letters:write": "replay and discard dead letters",
    "limits:read": "read limits and pauses",
    "limits:write": "set limits, pause and go on",
    "usage:read": "read what was spent",
}
DEFAULT_SCOPES = ("runs:read", "runs:write")  # what a client needs that posts and reads; the rest is asked for


class ApiToken(models.Model):
    """A bearer token of one tenant and one user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="tokens")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    prefix = models.CharField(max_length=8, help_text="To recognise it by; not secret.")
    hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    scopes = JSONText()
    job_types = JSONText(null=True, help_text="Names of those that it may post and act on. Empty: every one.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.tenant}"

    def acts_on(self, job_type: str) -> bool:
        """Say whether it may post runs of this job type, and do something about them."""
        return self.job_types is None or job_type in self.job_types


def hash_token(token: str) -> str:
    """Hash a token. It is random and long, so a plain SHA-256 suffices."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue_token(
    *, tenant: Tenant, user: models.Model, scopes: Iterable[str], job_types: Iterable[str] | None = None
) -> tuple[ApiToken, str]:
    """Store a new token and return it with its secret text, which is never to be seen again."""
    prefix = secrets.token_hex(4)
    token = f"agentops_{prefix}_{secrets.token_urlsafe(32)}"
    row = ApiToken.objects.create(
        tenant=tenant,
        user_id=user.pk,
        prefix=prefix,
        hash=hash_token(token),
        scopes=sorted(scopes),
        job_types=None if job_types is None else sorted(job_types),
    )
    return row, token
