"""Pending actions: what a person must decide before a run goes on."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from runs.models.fields import JSONText
from runs.models.run import Run
from runs.models.step import Step
from runs.models.tenant import Tenant
from runs.states import VERBS, ActionKind, ActionStatus


class PendingAction(models.Model):
    """One decision. It is taken once, by one UPDATE on the row while it is open."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="actions")
    run = models.ForeignKey(Run, models.CASCADE, related_name="actions")
    step = models.ForeignKey(Step, models.CASCADE, related_name="actions")
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in ActionKind])
    status = models.CharField(max_length=16, choices=[(s.value, s.value) for s in ActionStatus], default="open")
    tool = models.CharField(max_length=200, blank=True)
    arguments = JSONText(null=True, help_text="What will be done, as decided.")
    proposed = JSONText(null=True, help_text="What was proposed, when the decider edited it.")
    arguments_hash = models.CharField(max_length=64, blank=True)
    effect = models.CharField(max_length=16, blank=True)
    effect_key = models.CharField(max_length=64, blank=True)
    reason = models.TextField(help_text="Why a person is asked.")
    evidence = JSONText(null=True, help_text="Of an outcome: {begun_at, last_heartbeat_at, worker, may_arrive_until}.")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="decisions")
    decision = JSONText(null=True, help_text="The verb and what came with it, to recognise a repetition.")
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["requested_at"]
        constraints = [
            models.UniqueConstraint(fields=["step"], condition=Q(status="open"), name="one_open_action_per_step"),
            models.CheckConstraint(condition=Q(kind__in=[k.value for k in ActionKind]), name="action_kind_known"),
            models.CheckConstraint(condition=Q(status__in=[s.value for s in ActionStatus]), name="action_status_known"),
            models.CheckConstraint(
                condition=Q(status="open", decided_at__isnull=True) | (~Q(status="open") & Q(decided_at__isnull=False)),
                name="action_decided_at_fits_status",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "requested_at"], name="action_inbox"),
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="action_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.tool}".strip()

    @property
    def verbs(self) -> list[str]:
        """What may be said to it now."""
        return list(VERBS[ActionKind(self.kind)]) if self.status == ActionStatus.OPEN else []
