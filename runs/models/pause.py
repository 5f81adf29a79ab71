"""Pauses: nothing new of a selector starts; what works already goes on to its end."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from runs.models.selector import Selector


class Pause(Selector):
    """One pause. It ends by being ended, or at `until`; the row stays as the record of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reason = models.TextField(help_text="Why; runs say it while they wait.")
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    paused_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until somebody ends it.")
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-paused_at"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(queue="", job_type="", model="", tool="", tenant__isnull=True), name="pause_of_something"
            ),
            # Two constraints, since a unique index takes no two NULLs for the same.
            models.UniqueConstraint(
                fields=["tenant", "queue", "job_type", "model", "tool"],
                condition=Q(ended_at__isnull=True, tenant__isnull=False),
                name="one_pause_of_a_tenants_scope",
            ),
            models.UniqueConstraint(
                fields=["queue", "job_type", "model", "tool"],
                condition=Q(ended_at__isnull=True, tenant__isnull=True),
                name="one_pause_of_a_scope",
            ),
        ]
        indexes = [models.Index(fields=["paused_at"], condition=Q(ended_at__isnull=True), name="pauses_on")]

    def __str__(self) -> str:
        return self.scope
