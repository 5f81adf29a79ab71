"""Pending actions: what a person must decide before a run goes on."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from runs.models.approval_rule import ApprovalRule
from runs.models.budget import BudgetPeriod
from runs.models.fields import MONEY, JSONText, choices_of
from runs.models.run import Run
from runs.models.step import Step
from runs.models.tenant import Tenant
from runs.states import VERBS, ActionKind, ActionStatus, OnExpiry, Risk

# People to be asked after the deadline, or reminded, may still decide until the sweep has come by. What was
# escalated is not escalated again: its second deadline is the last.
STAYS_OPEN = Q(on_expiry=OnExpiry.WAIT) | Q(on_expiry=OnExpiry.ESCALATE, escalated_at__isnull=True)


class PendingAction(models.Model):
    """One decision. It is taken once, by one UPDATE on the row while it is open."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="actions")
    run = models.ForeignKey(Run, models.CASCADE, related_name="actions")
    step = models.ForeignKey(Step, models.CASCADE, related_name="actions")
    kind = models.CharField(max_length=16, choices=choices_of(ActionKind))
    status = models.CharField(max_length=16, choices=choices_of(ActionStatus), default="open")
    tool = models.CharField(max_length=200, blank=True)
    arguments = JSONText(null=True, help_text="What will be done, as decided.")
    proposed = JSONText(null=True, help_text="What was proposed, when the decider edited it.")
    arguments_hash = models.CharField(max_length=64, blank=True)
    bound_hash = models.CharField(
        max_length=64, blank=True, help_text="Of tool, arguments and declaration: what an approval is bound to."
    )
    risk = models.CharField(max_length=8, blank=True, choices=choices_of(Risk))
    amount_usd = models.DecimalField(**MONEY, null=True, help_text="What the call moves, where its tool says so.")
    approvals_needed = models.PositiveSmallIntegerField(default=1, help_text="People who must agree.")
    rule = models.ForeignKey(
        ApprovalRule, models.PROTECT, null=True, related_name="actions", help_text="The rule that approved it."
    )
    budget_period = models.ForeignKey(
        BudgetPeriod, models.PROTECT, null=True, db_index=False, related_name="actions", help_text="What has no room."
    )
    effect = models.CharField(max_length=16, blank=True)
    effect_key = models.CharField(max_length=64, blank=True)
    reason = models.TextField(help_text="Why a person is asked.")
    evidence = JSONText(null=True, help_text="Of an outcome: {begun_at, last_heartbeat_at, worker, may_arrive_until}.")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    on_expiry = models.CharField(max_length=8, choices=choices_of(OnExpiry), default=OnExpiry.REJECT)
    notify_at = models.DateTimeField(null=True, help_text="When people are notified, or reminded, next.")
    remind_every_s = models.FloatField(null=True)
    reminders = models.PositiveIntegerField(default=0)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", help_text="Who is asked to look."
    )
    escalated_at = models.DateTimeField(null=True, help_text="From then on an admin decides.")
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
            models.Index(fields=["tenant", "requested_at"], name="action_by_tenant"),
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="action_expiry"),
            models.Index(
                fields=["notify_at"], condition=Q(status="open", notify_at__isnull=False), name="action_notify_due"
            ),
            models.Index(
                fields=["budget_period", "requested_at"],
                condition=Q(status="open", budget_period__isnull=False),
                name="action_of_budget",
            ),
            models.Index(
                fields=["budget_period"],
                condition=Q(budget_period__isnull=False, status="approved"),
                name="action_raised",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.tool}".strip()

    @property
    def closes(self) -> bool:
        """Say whether nobody may decide after its time: the opposite of `STAYS_OPEN`."""
        is_escalated_first = self.on_expiry == OnExpiry.ESCALATE and self.escalated_at is None
        return self.on_expiry != OnExpiry.WAIT and not is_escalated_first

    @property
    def verbs(self) -> list[str]:
        """The verbs that fit its kind and status."""
        return list(VERBS[ActionKind(self.kind)]) if self.status == ActionStatus.OPEN else []


class Approval(models.Model):
    """Who agreed to what. It counts while `bound_hash` is the action's: edited arguments make it void."""

    action = models.ForeignKey(PendingAction, models.CASCADE, related_name="approvals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    bound_hash = models.CharField(max_length=64, help_text="Of tool, arguments and declaration, as agreed to.")
    note = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["action", "user"], name="one_approval_a_person")]

    def __str__(self) -> str:
        return f"{self.user} at {self.at:%Y-%m-%d %H:%M}"
