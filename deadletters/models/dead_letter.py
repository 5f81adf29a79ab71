"""The dead letter: why a run gave up, what it had done, and what was decided about it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from deadletters.models.group import LetterGroup


class DeadLetterStatus(models.TextChoices):
    """What was decided."""

    OPEN = "open", "open: nobody has dealt with it"
    REPLAYED = "replayed", "replayed"
    DISCARDED = "discarded", "discarded"
    ASSIGNED = "assigned", "assigned to a person"


LIVE = (DeadLetterStatus.OPEN, DeadLetterStatus.ASSIGNED)  # a letter with one of these is live until it is done
IS_LIVE = Q(status__in=["open", "assigned"], done_at__isnull=True)  # nobody has closed it yet


class DeadLetter(models.Model):
    """One failure of one run. JSON values are text; the run is named by its id, and the row outlives it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run_id = models.UUIDField(db_index=True)
    tenant = models.CharField(max_length=64, help_text="Slug of the tenant.")
    job_type = models.CharField(max_length=100)
    version = models.CharField(max_length=12, blank=True, help_text="Of the run's definition; empty for plain jobs.")
    arguments = models.TextField(help_text="The run's input, as JSON.")
    step = models.PositiveIntegerField(null=True, help_text="Number of the step that failed.")
    step_name = models.CharField(max_length=200, blank=True)
    attempt = models.PositiveIntegerField(default=0, help_text="Tries of the step that failed, since it was planned.")
    error_class = models.CharField(max_length=200)
    error_kind = models.CharField(max_length=32, blank=True, help_text="What the classifier said, as `permanent`.")
    error_message = models.TextField()
    traceback = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    effects = models.TextField(default="{}", help_text='{"done": [...], "unknown": [...]}, as JSON.')
    fingerprint = models.CharField(max_length=64, db_index=True, help_text="Same cause, same fingerprint.")
    # Null only until the rows of before have found theirs everywhere: enforced by a later deploy.
    group = models.ForeignKey(LetterGroup, models.PROTECT, null=True, db_index=False, related_name="letters")
    replays = models.PositiveIntegerField(default=0, help_text="Replays that led here, of this run or one before it.")
    mailed_at = models.DateTimeField(null=True, help_text="When its failure was mailed; later ones wait a while.")
    untold = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Letters of its cause and tenant since it was mailed, of which no mail tells.",
    )

    status = models.CharField(max_length=16, choices=DeadLetterStatus, default=DeadLetterStatus.OPEN)
    failed_at = models.DateTimeField()
    replayed_at = models.DateTimeField(null=True)
    replayed_as = models.UUIDField(null=True, db_index=True, help_text="The run that the replay continues or created.")
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    due_at = models.DateTimeField(null=True, help_text="By when the assignee is to be done; makes it a manual task.")
    done_at = models.DateTimeField(null=True, help_text="When the manual task was done: closes the letter.")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-failed_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=DeadLetterStatus.values), name="letter_status_known"),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(status="assigned"), name="letter_done_was_assigned"
            ),
            models.UniqueConstraint(fields=["run_id"], condition=IS_LIVE, name="one_live_letter_per_run"),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "-failed_at"], name="letter_inbox"),
            models.Index(fields=["status", "-failed_at"], name="letter_by_status"),
            models.Index(fields=["group", "tenant", "failed_at"], name="letter_of_cause"),
            models.Index(fields=["group", "failed_at"], name="letter_trend"),
            models.Index(
                fields=["group", "tenant", "mailed_at"], condition=Q(mailed_at__isnull=False), name="letter_mailed"
            ),
            models.Index(fields=["mailed_at"], condition=Q(untold__gt=0), name="letter_digest_due"),
        ]
        permissions = [("replay_deadletter", "Can replay or discard dead letters")]

    def __str__(self) -> str:
        return f"{self.job_type}: {self.error_class}"

    @property
    def is_live(self) -> bool:
        """Say whether nobody has closed it yet."""
        return self.status in LIVE and self.done_at is None
