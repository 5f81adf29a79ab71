"""Revoked tools: what no agent may call any more, effective before the next call."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from runs.models.tenant import Tenant


class RevokedTool(models.Model):
    """One revocation. It ends by being restored; the row stays as the record of it."""

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, blank=True, related_name="revoked_tools", help_text="Empty: every tenant."
    )
    tool = models.CharField(max_length=200)
    reason = models.TextField(help_text="Why; the agent is told.")
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField()
    restored_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    restored_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-revoked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "tool"], condition=Q(restored_at__isnull=True), name="revoked_once_for_a_tenant"
            ),
            models.UniqueConstraint(
                fields=["tool"],
                condition=Q(restored_at__isnull=True, tenant__isnull=True),
                name="revoked_once_for_every_tenant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} of {self.tenant or 'every tenant'}"
