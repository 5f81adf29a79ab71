"""Limits: ceilings on how many runs of a scope work at once, or start within a while. Edited live."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from runs.models.fields import choices_of
from runs.models.tenant import Tenant
from runs.states import LimitKind


class Limit(models.Model):
    """One ceiling. Its scope is what all given fields name; none given is everything. All that apply must admit."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=choices_of(LimitKind), default=LimitKind.CONCURRENCY)
    most = models.PositiveIntegerField(help_text="Runs at once, or starts within `per_s`. 0 lets nothing start.")
    per_s = models.FloatField(default=60.0, help_text="Of a rate: the window, in seconds.")
    queue = models.CharField(max_length=64, blank=True, help_text="Empty: every queue.")
    job_type = models.CharField(max_length=100, blank=True, help_text="Empty: every job type.")
    model = models.CharField(max_length=100, blank=True, help_text="Of the agents' declarations. Empty: any.")
    tool = models.CharField(max_length=200, blank=True, help_text="Calls of this tool, whoever makes them.")
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, blank=True, related_name="limits", help_text="Empty: all tenants together."
    )
    each_tenant = models.BooleanField(default=False, help_text="So many for each tenant, instead of for all together.")
    is_active = models.BooleanField(default=True)
    note = models.TextField(blank=True, help_text="Why it is so.")
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["queue", "job_type", "model", "tool", "kind"]
        constraints = [
            models.CheckConstraint(condition=Q(per_s__gt=0), name="limit_window_above_0"),
            models.CheckConstraint(
                condition=Q(tenant__isnull=True) | Q(each_tenant=False), name="limit_of_one_tenant_or_of_each"
            ),
        ]

    def __str__(self) -> str:
        many = f"{self.most} at once" if self.kind == LimitKind.CONCURRENCY else f"{self.most} in {self.per_s:g} s"
        return f"{many}: {self.scope}"

    @property
    def scope(self) -> str:
        """What it is about, in words."""
        parts = [
            self.queue and f"queue {self.queue}",
            self.job_type,
            self.model,
            self.tool and f"tool {self.tool}",
            self.tenant and f"tenant {self.tenant}",
        ]
        named = ", ".join(str(part) for part in parts if part) or "everything"
        return f"{named}, for each tenant" if self.each_tenant else named
