"""The redrive: many letters replayed as one operation that can be watched, paused and stopped."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from deadletters.models.dead_letter import DeadLetter

_ACTOR_MAX = 150


class RedriveStatus(models.TextChoices):
    """How far the operation is. The last three are final."""

    PLANNED = "planned", "planned: nothing is sent yet"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused by a person"
    STOPPED = "stopped", "stopped by itself: too many failures, or its user may not replay any more"
    ABORTED = "aborted", "aborted by a person"
    COMPLETED = "completed", "completed: every letter was dealt with"


class ItemState(models.TextChoices):
    """What has become of one letter of a redrive."""

    EXCLUDED = "excluded", "excluded by the plan"
    PENDING = "pending", "pending: not sent yet"
    SENT = "sent", "sent: the run goes on"
    COMPLETED = "completed", "its run has completed"
    FAILED = "failed", "its run has failed again"
    CANCELLED = "cancelled", "its run was cancelled, or is gone"
    SKIPPED = "skipped", "not sent: it was refused, or the redrive ended before"


class Redrive(models.Model):
    """One bulk replay. Its counts change only under the lock of its row, together with its items."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.CharField(max_length=64, blank=True, help_text="Slug; empty if its letters belong to several.")
    selection = models.TextField(default="{}", help_text="Which letters were asked for, as JSON.")
    rate_per_s = models.FloatField(default=5, help_text="Letters sent in a second.")
    concurrency = models.PositiveIntegerField(default=20, help_text="Replayed runs that may be under way at once.")
    canary = models.PositiveIntegerField(default=5, help_text="So many are sent first, and awaited.")
    stop_above_percent = models.PositiveSmallIntegerField(
        default=20, help_text="Stop when a larger share of the ended runs has failed again."
    )
    status = models.CharField(max_length=16, choices=RedriveStatus, default=RedriveStatus.PLANNED)
    reason = models.TextField(blank=True, help_text="Why it was paused, stopped or aborted.")
    total = models.PositiveIntegerField(default=0, help_text="Letters in the plan, excluded ones too.")
    left_out = models.PositiveIntegerField(default=0, help_text="Matched, but beyond the maximum of one redrive.")
    excluded = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0, help_text="Sent so far, whatever became of them.")
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    estimated_cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    needs_steps = models.BooleanField(default=False, help_text="It runs, or runs that it has sent have not ended.")
    credit = models.FloatField(default=0, help_text="Letters that might be sent at `credit_at`.")
    credit_at = models.DateTimeField(null=True, help_text="Empty: the allowance begins with the next step.")
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        help_text="Dead letters are replayed in the name of this user.",
    )
    planned_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty: the redrive changed its own status.",
    )
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-planned_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=RedriveStatus.values), name="redrive_status_known"),
            models.CheckConstraint(
                condition=Q(rate_per_s__gt=0, concurrency__gte=1, canary__gte=1, stop_above_percent__lte=100),
                name="redrive_terms_possible",
            ),
            models.CheckConstraint(
                condition=Q(total__gte=F("excluded") + F("skipped") + F("sent"))
                & Q(sent__gte=F("completed") + F("failed") + F("cancelled")),
                name="redrive_counts_fit",
            ),
        ]
        indexes = [
            models.Index(fields=["needs_steps"], condition=Q(needs_steps=True), name="redrive_needs_steps"),
            models.Index(fields=["tenant", "-planned_at"], name="redrive_of_tenant"),
            models.Index(fields=["status", "-planned_at"], name="redrive_by_status"),
        ]

    def __str__(self) -> str:
        return f"redrive {str(self.pk)[:8]}"

    @property
    def pending(self) -> int:
        """Letters that may still be sent."""
        return self.total - self.excluded - self.skipped - self.sent

    @property
    def ended(self) -> int:
        """Replayed runs that have ended, well or not."""
        return self.completed + self.failed + self.cancelled

    @property
    def in_flight(self) -> int:
        """Replayed runs that have not ended."""
        return self.sent - self.ended


class RedriveItem(models.Model):
    """One letter of one redrive."""

    redrive = models.ForeignKey(Redrive, models.CASCADE, related_name="items")
    letter = models.ForeignKey(DeadLetter, models.PROTECT, related_name="redrive_items")
    place = models.PositiveIntegerField(help_text="Its turn, from 1; the oldest failure is first.")
    state = models.CharField(max_length=16, choices=ItemState)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was excluded or skipped.")
    run_id = models.UUIDField(null=True, help_text="The run that goes on.")
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ItemState.values), name="redrive_item_state_known"),
            models.UniqueConstraint(fields=["redrive", "place"], name="redrive_item_place"),
            models.UniqueConstraint(fields=["redrive", "letter"], name="redrive_item_letter"),
            models.UniqueConstraint(
                fields=["letter"], condition=Q(state="pending"), name="letter_pending_in_one_redrive"
            ),
        ]
        indexes = [models.Index(fields=["redrive", "state", "place"], name="redrive_item_next")]


class RedriveEvent(models.Model):
    """Who did what to a redrive, and when. Append-only."""

    redrive = models.ForeignKey(Redrive, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    actor = models.CharField(max_length=_ACTOR_MAX, blank=True, help_text="A username; empty: the redrive itself.")
    verb = models.CharField(max_length=16)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]


def actor_of(user: Any) -> str:
    """Name who did something; the name may be an address, and longer than its column."""
    return str(user.get_username())[:_ACTOR_MAX]
