"""Approval rules: a person's bounded, expiring, revocable approval of calls that have not been proposed yet."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from runs.models.fields import MONEY, JSONText
from runs.models.tenant import Tenant


class ApprovalRule(models.Model):
    """«Refunds under 20 USD today»: low-risk calls within these bounds need nobody. Each use is an action."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="approval_rules")
    tool = models.CharField(max_length=200)
    job_type = models.CharField(max_length=100, blank=True, help_text="Empty: of every job type.")
    arguments = JSONText(default=dict, help_text="Arguments that must be exactly so; others may be anything.")
    max_usd = models.DecimalField(**MONEY, null=True, help_text="The most that one call may move.")
    max_total_usd = models.DecimalField(**MONEY, null=True, help_text="The most that all its calls may move.")
    max_uses = models.PositiveIntegerField(help_text="Calls that it approves.")
    expires_at = models.DateTimeField()
    reason = models.TextField(help_text="Why nobody needs to look.")

    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    uses = models.PositiveIntegerField(default=0)
    used_usd = models.DecimalField(**MONEY, default=0)

    class Meta:
        ordering = ["-granted_at"]
        constraints = [
            models.CheckConstraint(condition=Q(uses__lte=F("max_uses")), name="rule_uses_within_bounds"),
            models.CheckConstraint(
                condition=Q(max_total_usd__isnull=True) | Q(used_usd__lte=F("max_total_usd")),
                name="rule_total_within_bounds",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "tool", "expires_at"], condition=Q(revoked_at__isnull=True), name="rules_live"
            )
        ]

    def __str__(self) -> str:
        limit = f" up to {self.max_usd.normalize():f} USD" if self.max_usd is not None else ""
        return f"{self.tool}{limit}, {self.uses} of {self.max_uses} used"
