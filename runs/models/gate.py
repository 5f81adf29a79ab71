"""Gates: whether a provider's model may be asked at all. Shut by its own word (429) or by a burst of failures."""

from django.db import models
from django.db.models import Q

PROVIDER = "anthropic"  # the one that is asked so far


class ShutBy(models.TextChoices):
    """Why a gate is shut; also the code by which a run says why it waits."""

    RATE = "rate", "rate: the provider asked for a pause"
    CIRCUIT = "circuit", "circuit: the provider fails"


class Gate(models.Model):
    """One model of one provider. Open while `shut_until` is empty; once that has passed, one run probes."""

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=100)
    shut_by = models.CharField(max_length=16, blank=True, choices=ShutBy)
    shut_at = models.DateTimeField(null=True)
    shut_until = models.DateTimeField(null=True, help_text="From then on one run may probe; empty: open.")
    reason = models.CharField(max_length=300, blank=True)
    times_shut = models.PositiveIntegerField(default=0, help_text="In a row, without an answer in between.")
    probe = models.UUIDField(null=True, help_text="The run that probes.")
    probe_fence = models.PositiveIntegerField(default=0, help_text="Its claim.")

    class Meta:
        ordering = ["provider", "model"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "model"], name="one_gate_each"),
            models.CheckConstraint(
                condition=Q(shut_until__isnull=True, shut_by="") | (Q(shut_until__isnull=False) & ~Q(shut_by="")),
                name="gate_shut_by_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"

    @property
    def is_shut(self) -> bool:
        """Say whether runs are held back, but for one that probes."""
        return self.shut_until is not None
