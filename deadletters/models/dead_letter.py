"""The dead letter: why a run gave up, what it had done, and what was decided about it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class LetterStatus(models.TextChoices):
    """What was decided."""

    OPEN = "open", "open: nobody has dealt with it"
    REPLAYED = "replayed", "replayed"
    DISCARDED = "discarded", "discarded"
    ASSIGNED = "assigned", "assigned to a person"


LIVE = (LetterStatus.OPEN, LetterStatus.ASSIGNED)  # nobody has closed it yet


class DeadLetter(models.Model):
    """One failure of one run. JSON values are text; the run is named by id, for this app is a leaf."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run_id = models.UUIDField(db_index=True)
    tenant = models.CharField(max_length=64, help_text="Slug of the tenant.")
    job_type = models.CharField(max_length=100)
    arguments = models.TextField(help_text="The run's input, as JSON.")
    step = models.PositiveIntegerField(null=True, help_text="Number of the step that failed.")
    step_name = models.CharField(max_length=200, blank=True)
    error_class = models.CharField(max_length=200)
    error_message = models.TextField()
    traceback = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    effects = models.TextField(default="{}", help_text='{"done": [...], "unknown": [...]}, as JSON.')
    fingerprint = models.CharField(max_length=64, db_index=True, help_text="Same cause, same fingerprint.")
    status = models.CharField(max_length=16, choices=LetterStatus, default=LetterStatus.OPEN)
    failed_at = models.DateTimeField()
    replayed_at = models.DateTimeField(null=True)
    replayed_as = models.UUIDField(null=True, help_text="The run that the replay continues or created.")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-failed_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=LetterStatus.values), name="letter_status_known"),
            models.UniqueConstraint(
                fields=["run_id"],
                condition=Q(status__in=["open", "assigned"]),
                name="one_live_letter_per_run",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "-failed_at"], name="letter_inbox"),
            models.Index(fields=["status", "-failed_at"], name="letter_by_status"),
        ]
        permissions = [("replay_deadletter", "Can replay or discard dead letters")]

    def __str__(self) -> str:
        return f"{self.job_type}: {self.error_class}"
