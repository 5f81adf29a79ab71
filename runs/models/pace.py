"""Paces: how fast a provider may be asked, over all workers. What each may still use is shared state beside them."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from runs.models.fields import JSONText

EVERY_MODEL = "*"
_POSITIVE = [MinValueValidator(1)]


class Pace(models.Model):
    """A quota of one provider: of all rows that fit a call, the call must fit into each."""

    provider = models.CharField(max_length=32, default="anthropic")
    workspace = models.CharField(
        max_length=100, blank=True, help_text="Only for calls of this workspace (`provider_workspace`); empty: of all."
    )
    model_class = models.CharField(
        max_length=100,
        default=EVERY_MODEL,
        help_text="The beginning of the models' names, as claude-sonnet-5; * for all.",
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=_POSITIVE, help_text="Empty: not limited."
    )
    input_tokens_per_minute = models.PositiveBigIntegerField(
        null=True, blank=True, validators=_POSITIVE, help_text="Without what is read from the cache. Empty: no limit."
    )
    output_tokens_per_minute = models.PositiveBigIntegerField(
        null=True, blank=True, validators=_POSITIVE, help_text="As really answered. Empty: not limited."
    )
    ramp_s = models.FloatField(
        default=30.0,
        validators=[MinValueValidator(0)],
        help_text="After a minute without calls the rate grows from a tenth to the whole over so many seconds.",
    )
    note = models.CharField(max_length=300, blank=True, help_text="Where the figures come from.")

    class Meta:
        ordering = ["provider", "workspace", "model_class"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "workspace", "model_class"], name="one_pace_each"),
            models.CheckConstraint(
                condition=Q(requests_per_minute__isnull=True) | Q(requests_per_minute__gt=0), name="pace_asks_something"
            ),
            models.CheckConstraint(
                condition=(Q(input_tokens_per_minute__isnull=True) | Q(input_tokens_per_minute__gt=0))
                & (Q(output_tokens_per_minute__isnull=True) | Q(output_tokens_per_minute__gt=0)),
                name="pace_lets_tokens_pass",
            ),
            models.CheckConstraint(condition=Q(ramp_s__gte=0), name="pace_ramp_not_negative"),
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.provider, self.workspace, self.model_class) if part)

    def clean(self) -> None:
        """Refuse a row that limits nothing, and a `*` behind a name. Raises: ValidationError."""
        if not any((self.requests_per_minute, self.input_tokens_per_minute, self.output_tokens_per_minute)):
            raise ValidationError({"requests_per_minute": "Give at least one of the three limits."})
        if self.model_class != EVERY_MODEL and EVERY_MODEL in self.model_class:
            raise ValidationError({"model_class": "Write the beginning of the names without a *, or * alone."})


class PaceKeeper(models.Model):
    """Who keeps what is left of all paces: Redis while `epoch` is even, the database while it is odd. One row.

    Each change-over is a new epoch, and begins with less than nothing: so no allowance is ever given twice.
    """

    epoch = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(null=True, help_text="When this epoch began.")
    database_until = models.DateTimeField(null=True, help_text="Then somebody looks whether Redis is back.")


class PaceBucket(models.Model):
    """What is left of a pace while the database keeps it."""

    pace = models.OneToOneField(Pace, models.CASCADE, related_name="bucket")
    epoch = models.PositiveIntegerField(default=0)
    state = JSONText(null=True, help_text="As `runs.engine.pacing.bucket.Bucket`; null: nothing is known.")
