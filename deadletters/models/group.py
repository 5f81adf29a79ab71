"""The group: all dead letters of one cause, and what people have decided about that cause."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class GroupState(models.TextChoices):
    """Where a cause stands. `deadletters.grouping` says what the next letter makes of it."""

    OPEN = "open", "open: nobody has dealt with the cause"
    RESOLVED = "resolved", "resolved: the cause is said to be gone"
    IGNORED = "ignored", "ignored, until a date or a rate"
    REGRESSED = "regressed", "regressed: it was resolved, and came back"


class LetterGroup(models.Model):
    """One cause. Its texts are the same in every letter of the group: they are what the fingerprint is made of."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fingerprint = models.CharField(max_length=64, unique=True, help_text="Same cause, same fingerprint.")
    job_type = models.CharField(max_length=100)
    step_name = models.CharField(max_length=200, blank=True)
    error_class = models.CharField(max_length=200)
    message = models.TextField(blank=True, help_text="A message without its ids and numbers.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    count = models.PositiveIntegerField(default=0, help_text="Letters of all tenants.")

    state = models.CharField(max_length=16, choices=GroupState, default=GroupState.OPEN)
    ignored_until = models.DateTimeField(null=True, help_text="The first letter after this opens the group again.")
    ignored_above_per_hour = models.PositiveIntegerField(
        null=True, help_text="More letters than this within an hour open the group again."
    )
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True, help_text="What was said last about the cause.")

    class Meta:
        ordering = ["-last_seen"]
        verbose_name = "cause"
        verbose_name_plural = "dead letters by cause"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=GroupState.values), name="group_state_known"),
            models.CheckConstraint(
                condition=~Q(state="ignored")
                | Q(ignored_until__isnull=False)
                | Q(ignored_above_per_hour__isnull=False),
                name="group_ignored_until_something",
            ),
        ]
        indexes = [
            models.Index(fields=["-last_seen"], name="group_by_age"),
            models.Index(fields=["state", "-last_seen"], name="group_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type}: {self.error_class}"
