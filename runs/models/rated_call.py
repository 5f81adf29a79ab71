"""Calls of a tool that a rate counts. Kept for as long as its window, and only where there is such a rate."""

from django.db import models

from runs.models.limit import Limit
from runs.models.tenant import Tenant


class RatedCall(models.Model):
    """One call that has begun, written with its intent: a call that was not begun counts nowhere."""

    limit = models.ForeignKey(Limit, models.CASCADE, db_index=False, related_name="+")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["limit", "tenant", "at"], name="rated_call_window")]

    def __str__(self) -> str:
        return f"{self.limit} at {self.at:%Y-%m-%d %H:%M:%S}"
