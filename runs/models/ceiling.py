"""Ceilings: how many runs may wait in a queue before posting another is refused. Edited live."""

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from runs.models.tenant import Tenant


class Ceiling(models.Model):
    """One ceiling of a queue: for all tenants together, for each of them, or for one."""

    MOST: ClassVar[int] = 1_000_000
    TAKEN: ClassVar[str] = "It has such a ceiling already, which may be switched off: change that one."

    queue = models.CharField(max_length=64)
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, blank=True, related_name="ceilings", help_text="Empty: see the next field."
    )
    each_tenant = models.BooleanField(
        default=False, help_text="So many for each tenant that has no ceiling of its own, instead of for all together."
    )
    most = models.PositiveIntegerField(help_text="Runs that may wait. 0 refuses every new one.")
    is_active = models.BooleanField(default=True)
    note = models.TextField(blank=True, help_text="Why it is so.")
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["queue", "tenant", "each_tenant"]
        constraints = [
            models.UniqueConstraint(
                fields=["queue"], condition=Q(tenant__isnull=True, each_tenant=False), name="one_ceiling_of_a_queue"
            ),
            models.UniqueConstraint(fields=["queue"], condition=Q(each_tenant=True), name="one_ceiling_of_each_tenant"),
            models.UniqueConstraint(fields=["queue", "tenant"], name="one_ceiling_of_a_tenant"),
            models.CheckConstraint(
                condition=Q(tenant__isnull=True) | Q(each_tenant=False), name="ceiling_of_one_tenant_or_of_each"
            ),
        ]

    def __str__(self) -> str:
        whose = f", {self.tenant}" if self.tenant else ", each tenant" if self.each_tenant else ""
        return f"{self.most} waiting in {self.queue}{whose}"

    def clean(self) -> None:
        """Refuse what makes no sense, at its field. Raises: ValidationError."""
        wrong = {}
        if self.tenant_id and self.each_tenant:
            wrong["each_tenant"] = "It is of one tenant. Leave it off, or make it one of all tenants."
        if self.most is not None and not 0 <= self.most <= self.MOST:  # a form may have no number
            wrong["most"] = f"Give a whole number from 0 to {self.MOST}."
        same = Ceiling.objects.filter(queue=self.queue, tenant=self.tenant_id, each_tenant=self.each_tenant)
        if same.exclude(pk=self.pk).exists():
            wrong["queue"] = self.TAKEN
        if wrong:
            raise ValidationError(wrong)
