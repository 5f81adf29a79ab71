"""Circuit breakers: whether a provider's model may be asked at all. A 429 or a burst of failures opens one."""

from django.db import models
from django.db.models import Q

PROVIDER = "anthropic"  # the one that is asked so far


class OpenReason(models.TextChoices):
    """Why a circuit is open; also the code by which a run says why it waits."""

    RATE = "rate", "rate: the provider asked for a pause"
    CIRCUIT = "circuit", "circuit: the provider fails"


class CircuitBreaker(models.Model):
    """One model of one provider. Closed while `open_until` is empty, half-open once it has passed: one run probes."""

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=100)
    open_reason = models.CharField(max_length=16, blank=True, choices=OpenReason)
    opened_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True, help_text="From then on one run may probe; empty: closed.")
    reason = models.CharField(max_length=300, blank=True)
    times_opened = models.PositiveIntegerField(default=0, help_text="In a row, without an answer in between.")
    probe = models.UUIDField(null=True, help_text="The run that probes.")
    probe_fence = models.PositiveIntegerField(default=0, help_text="Its claim.")

    class Meta:
        ordering = ["provider", "model"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "model"], name="one_circuit_breaker_each"),
            models.CheckConstraint(
                condition=Q(open_until__isnull=True, open_reason="")
                | (Q(open_until__isnull=False) & ~Q(open_reason="")),
                name="circuit_open_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"

    @property
    def is_open(self) -> bool:
        """Say whether runs are held back; one may probe once `open_until` has passed."""
        return self.open_until is not None
