"""Limits: how many runs of a selector work at once, start within a window, or wait. Edited live."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from runs.models.fields import choices_of
from runs.models.selector import Selector
from runs.models.tenant import Tenant
from runs.states import LimitKind

_BACKLOG = Q(kind=LimitKind.BACKLOG)


class Limit(Selector):
    """One limit. All limits that apply must admit a run. Only a backlog limit is unique for what it selects."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=choices_of(LimitKind), default=LimitKind.CONCURRENCY)
    most = models.PositiveIntegerField(help_text="Runs at once, starts within `per_s`, or runs that wait.")
    per_s = models.FloatField(default=60.0, help_text="Of a rate: the window, in seconds.")
    each_tenant = models.BooleanField(default=False, help_text="For each tenant, instead of for all together.")
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
            models.CheckConstraint(
                condition=~_BACKLOG | Q(job_type="", model="", tool="") & ~Q(queue=""), name="backlog_limit_of_a_queue"
            ),
            models.UniqueConstraint(
                fields=["queue"],
                condition=_BACKLOG & Q(tenant__isnull=True, each_tenant=False),
                name="one_backlog_limit_of_a_queue",
            ),
            models.UniqueConstraint(
                fields=["queue"], condition=_BACKLOG & Q(each_tenant=True), name="one_backlog_limit_of_each_tenant"
            ),
            models.UniqueConstraint(
                fields=["queue", "tenant"], condition=_BACKLOG, name="one_backlog_limit_of_a_tenant"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount}: {self.scope}"

    @property
    def amount(self) -> str:
        """How many it admits, in words."""
        match self.kind:
            case LimitKind.RATE:
                return f"{self.most} in {self.per_s:g} s"
            case LimitKind.BACKLOG:
                return f"{self.most} waiting"
        return f"{self.most} at once"

    @property
    def scope(self) -> str:
        """What it is about, in words."""
        return f"{super().scope}, for each tenant" if self.each_tenant else super().scope


class RatedCall(models.Model):
    """One call that has begun, written with its intent: a call that was not begun counts nowhere."""

    limit = models.ForeignKey(Limit, models.CASCADE, db_index=False, related_name="+")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["limit", "tenant", "at"], name="rated_call_window")]

    def __str__(self) -> str:
        return f"{self.limit} at {self.at:%Y-%m-%d %H:%M:%S}"
