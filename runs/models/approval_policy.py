"""Approval policies: who may decide about which calls, how many must agree, and what happens when nobody does."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from runs.models.fields import MONEY, choices_of
from runs.models.tenant import Role, Tenant
from runs.states import OnExpiry, Risk, SelfApproval

APPROVALS_MAX = 5
POLICY_TIME_MAX_S = 365 * 24 * 3600  # beyond some size no calendar holds the moment, and nobody decides after a year


class ApprovalPolicy(models.Model):
    """Terms for some calls. Of the policies that fit a call the most exact one holds, and holds at once when edited."""

    tenant = models.ForeignKey(
        Tenant,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="approval_policies",
        help_text="Empty: every tenant.",
    )
    tool = models.CharField(max_length=200, blank=True, help_text="Empty: every tool.")
    risk = models.CharField(max_length=8, blank=True, choices=choices_of(Risk), help_text="Of the call. Empty: any.")
    from_usd = models.DecimalField(**MONEY, default=0, help_text="For calls that move so much or more.")

    role = models.CharField(
        max_length=16,
        choices=[(r.value, r.label) for r in (Role.APPROVER, Role.ADMIN)],
        default=Role.APPROVER,
        help_text="The least role that decides.",
    )
    approvals = models.PositiveSmallIntegerField(default=1, help_text="People who must agree; 2 is four eyes.")
    self_approval = models.CharField(
        max_length=8,
        choices=[(s.value, s.value) for s in (SelfApproval.NEVER, SelfApproval.ALWAYS)],
        default=SelfApproval.NEVER,
        help_text="Who may approve runs of their own.",
    )
    expires_s = models.FloatField(null=True, blank=True, help_text="Time to decide. Empty: the setting's.")
    on_expiry = models.CharField(
        max_length=8,
        choices=choices_of(OnExpiry),
        default=OnExpiry.REJECT,
        help_text="What happens when nobody has decided.",
    )
    remind_every_s = models.FloatField(null=True, blank=True, help_text="Between two reminders. Empty: the setting's.")
    note = models.TextField(blank=True, help_text="Why it is so.")
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "approval policies"
        ordering = [F("tenant").asc(nulls_first=True), "tool", "risk", "from_usd"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "tool", "risk", "from_usd"], name="one_policy_each"),
            models.UniqueConstraint(
                fields=["tool", "risk", "from_usd"],
                condition=Q(tenant__isnull=True),
                name="one_policy_for_every_tenant_each",
            ),
            models.CheckConstraint(
                condition=Q(approvals__gte=1, approvals__lte=APPROVALS_MAX), name="policy_approvals_1_to_5"
            ),
            models.CheckConstraint(
                condition=Q(expires_s__isnull=True) | Q(expires_s__gt=0), name="policy_expires_above_0"
            ),
            models.CheckConstraint(
                condition=Q(remind_every_s__isnull=True) | Q(remind_every_s__gt=0), name="policy_reminds_above_0"
            ),
            models.CheckConstraint(
                condition=Q(expires_s__isnull=True) | Q(expires_s__lte=POLICY_TIME_MAX_S),
                name="policy_expires_within_a_year",
            ),
            models.CheckConstraint(
                condition=Q(remind_every_s__isnull=True) | Q(remind_every_s__lte=POLICY_TIME_MAX_S),
                name="policy_reminds_within_a_year",
            ),
        ]

    def __str__(self) -> str:
        parts = [self.tool or "every tool", self.risk and f"{self.risk} risk", self.tenant and f"of {self.tenant}"]
        amount = f"from {self.from_usd.normalize():f} USD" if self.from_usd else ""
        return ", ".join(str(part) for part in (*parts, amount) if part)
