"""The run: one execution of a job type, the durable record."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from runs.conf import conf
from runs.models.circuit_breaker import CircuitBreaker
from runs.models.definition import Definition
from runs.models.fields import MONEY, JSONText, choices_of
from runs.models.queue_lane import QueueLane
from runs.models.tenant import Tenant
from runs.states import ENDED, HoldReason, OnConflict, RunStatus

_ENDED = sorted(status.value for status in ENDED)  # in one order, or every migration would see a change


def hold_reason_after(crashes: int) -> str:
    """Say why a run that lost this many workers at its step is held when it is queued; empty if it is not.

    One more crash makes its dead letter, and must not take bystanders along.
    """
    return HoldReason.QUARANTINE if crashes > 0 and crashes >= conf().crashes_max - 1 else ""


class Run(models.Model):
    """One execution. `status` changes only through `runs.models.moves`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="runs")
    job_type = models.CharField(max_length=100)
    queue = models.CharField(max_length=64)
    lane = models.CharField(max_length=16, default="standard", help_text="`standard`, or `batch` at half price.")
    priority = models.PositiveSmallIntegerField(default=5, help_text="0 to 9, higher first.")
    queue_lane = models.ForeignKey(QueueLane, models.PROTECT, related_name="runs")
    rank = models.FloatField(help_text="Place within its lane; smaller first.")

    status = models.CharField(max_length=32, choices=[(s.value, s.value) for s in RunStatus])
    input = JSONText(help_text="What was posted, validated.")
    output = JSONText(null=True)
    metadata = JSONText(default=dict, help_text="The client's own labels; never shown to the model.")
    definition = models.ForeignKey(Definition, models.PROTECT, null=True, help_text="Set when first claimed.")

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="runs")
    origin = models.CharField(max_length=32, default="api", help_text="Where from: api, admin, command, schedule.")
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 (NULLs are distinct in the unique constraint)
    body_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the posted body.")
    on_conflict = models.CharField(max_length=16, default=OnConflict.QUEUE, help_text="The policy it was posted with.")
    unique_key = models.CharField(  # noqa: DJ001 (no key is not an empty one)
        max_length=64, null=True, help_text="Runs of a tenant and job type with the same key count as the same."
    )
    continues = models.ForeignKey("self", models.PROTECT, null=True, related_name="continuations")
    forked_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="forks")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")

    fence = models.PositiveIntegerField(default=0, help_text="Count of claims; the newest may write.")
    worker = models.UUIDField(null=True, help_text="The worker that holds the lease.")
    lease_expires_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)
    cancel_gently = models.BooleanField(default=False, help_text="The call in flight is let finish first.")
    cancellation = JSONText(
        null=True, help_text="{cost_usd when it was asked, last_effect {seq, tool, effect_key, status}}"
    )

    attempts = models.PositiveIntegerField(default=0, help_text="Failed tries of the current step.")
    failed_tries = JSONText(default=dict, help_text="The same, by kind of error: timeout, rate_limit, service.")
    crashes = models.PositiveIntegerField(default=0, help_text="Workers lost at the current step.")
    hold_reason = models.CharField(
        max_length=16,
        blank=True,
        choices=choices_of(HoldReason),
        help_text="Queued, but no ordinary claim takes it: why. Empty: it may start.",
    )
    circuit_breaker = models.ForeignKey(
        CircuitBreaker,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="held",
        help_text="That of its model, while its circuit or a rate limit holds the run.",
    )
    rate_need = JSONText(
        null=True,
        help_text="It waits, or has waited, for a rate limit: {model, rate_limit, input_tokens, output_tokens}.",
    )
    next_attempt_at = models.DateTimeField(null=True)
    last_error = JSONText(null=True, help_text="{type, message, at}")
    progress_percent = models.FloatField(default=0)
    progress_message = models.CharField(max_length=500, blank=True)

    timeout_s = models.FloatField(help_text="Time under a lease, waits not counted.")
    running_s = models.FloatField(default=0, help_text="Time spent under a lease so far.")
    max_cost_usd = models.DecimalField(**MONEY, null=True)
    cost_usd = models.DecimalField(**MONEY, default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)

    event_seq = models.PositiveIntegerField(default=0, help_text="Number of the newest event.")
    created_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True, help_text="When it last became ready.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=[s.value for s in RunStatus]), name="run_status_known"),
            models.CheckConstraint(condition=Q(priority__lte=9), name="run_priority_0_to_9"),
            models.CheckConstraint(
                condition=Q(status__in=_ENDED, finished_at__isnull=False)
                | (~Q(status__in=_ENDED) & Q(finished_at__isnull=True)),
                name="run_finished_at_fits_status",
            ),
            models.CheckConstraint(
                condition=Q(status="running", lease_expires_at__isnull=False)
                | (~Q(status="running") & Q(lease_expires_at__isnull=True)),
                name="run_lease_fits_status",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["scheduled", "retrying"]) | Q(next_attempt_at__isnull=False),
                name="run_timer_fits_status",
            ),
            models.CheckConstraint(condition=Q(status="queued") | Q(hold_reason=""), name="run_held_while_queued"),
            models.CheckConstraint(
                condition=Q(hold_reason__in=[HoldReason.CIRCUIT, HoldReason.RATE], circuit_breaker__isnull=False)
                | Q(hold_reason__in=["", HoldReason.QUARANTINE], circuit_breaker__isnull=True),
                name="run_held_by_a_breaker",
            ),
            models.CheckConstraint(
                condition=~Q(hold_reason=HoldReason.RATE) | Q(rate_need__isnull=False, next_attempt_at__isnull=False),
                name="run_waiting_for_rate_says_until",
            ),
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="run_idempotency_key"),
        ]
        indexes = [
            models.Index(
                fields=["queue_lane", "rank"],
                condition=Q(status="queued", hold_reason=""),
                name="run_next_of_lane",
            ),
            models.Index(
                fields=["circuit_breaker", "attempts", "rank"],
                condition=Q(status="queued", circuit_breaker__isnull=False),
                name="run_held_by_circuit",
            ),
            models.Index(
                fields=["queued_at"], condition=Q(status="queued", rate_need__isnull=False), name="run_rate_limited"
            ),
            models.Index(
                fields=["queue", "rank"], condition=Q(status="queued", hold_reason="quarantine"), name="run_quarantined"
            ),
            # Not on lease_expires_at: each heartbeat would write a new entry into every index of the row.
            models.Index(fields=["worker"], condition=Q(status="running"), name="run_held"),
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status__in=["scheduled", "retrying"]),
                name="run_timers",
            ),
            models.Index(fields=["started_at"], condition=Q(started_at__isnull=False), name="run_by_start"),
            models.Index(fields=["tenant", "-created_at"], name="run_by_tenant"),
            models.Index(fields=["status", "-created_at"], name="run_by_status"),
            models.Index(fields=["job_type", "-created_at"], name="run_by_job_type"),
            models.Index(fields=["-created_at"], name="run_by_age"),
            models.Index(
                fields=["unique_key", "-finished_at"], condition=Q(unique_key__isnull=False), name="run_by_unique_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} {str(self.id)[:8]}"

    @property
    def state(self) -> RunStatus:
        """The status as its enum."""
        return RunStatus(self.status)

    @property
    def hold_reason_at_rest(self) -> str:
        """Why it is held whenever it is queued: in quarantine, one crash before its last."""
        return hold_reason_after(self.crashes)

    @property
    def usage(self) -> dict[str, int]:
        """Tokens of the four kinds, as the API shows them."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
        }
