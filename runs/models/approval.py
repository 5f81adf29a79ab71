"""Approvals: one person's agreement to one call, bound to what was shown. Some calls need several."""

from django.conf import settings
from django.db import models

from runs.models.pending_action import PendingAction


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
