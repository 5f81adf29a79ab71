"""Selectors: what a limit or a pause is about."""

from django.db import models

from runs.models.tenant import Tenant


class Selector(models.Model):
    """Whatever fits all the columns that are filled in; with none filled in, everything."""

    queue = models.CharField(max_length=64, blank=True, help_text="Empty: every queue.")
    job_type = models.CharField(max_length=100, blank=True, help_text="Empty: every job type.")
    model = models.CharField(max_length=100, blank=True, help_text="Of the agents' declarations. Empty: any.")
    tool = models.CharField(max_length=200, blank=True, help_text="Calls of this tool. Empty: runs, not calls.")
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, null=True, blank=True, related_name="%(class)ss", help_text="Empty: all tenants."
    )

    class Meta:
        abstract = True

    @property
    def scope(self) -> str:
        """What it is about, in words."""
        parts = (
            self.queue and f"queue {self.queue}",
            self.job_type,
            self.model,
            self.tool and f"tool {self.tool}",
            self.tenant and f"tenant {self.tenant}",
        )
        return ", ".join(str(part) for part in parts if part) or "everything"
