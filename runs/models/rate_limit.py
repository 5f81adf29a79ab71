"""Rate limits of the model providers, over all workers, and beside each the bucket of what it has left."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from runs.models.fields import JSONText

EVERY_MODEL = "*"
_POSITIVE = [MinValueValidator(1)]


class RateLimit(models.Model):
    """A quota of one provider. A call must fit into every row that covers its model."""

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
        help_text="After a minute without calls the rate ramps up from a tenth over this many seconds.",
    )
    note = models.CharField(max_length=300, blank=True, help_text="Where the figures come from.")

    class Meta:
        ordering = ["provider", "workspace", "model_class"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "workspace", "model_class"], name="one_rate_limit_each"),
            models.CheckConstraint(
                condition=Q(requests_per_minute__isnull=True) | Q(requests_per_minute__gt=0),
                name="rate_limit_asks_something",
            ),
            models.CheckConstraint(
                condition=(Q(input_tokens_per_minute__isnull=True) | Q(input_tokens_per_minute__gt=0))
                & (Q(output_tokens_per_minute__isnull=True) | Q(output_tokens_per_minute__gt=0)),
                name="rate_limit_lets_tokens_pass",
            ),
            models.CheckConstraint(condition=Q(ramp_s__gte=0), name="rate_limit_ramp_not_negative"),
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.provider, self.workspace, self.model_class) if part)

    def clean(self) -> None:
        """Refuse a row that limits nothing, and a `*` behind a name. Raises: ValidationError."""
        if not any((self.requests_per_minute, self.input_tokens_per_minute, self.output_tokens_per_minute)):
            raise ValidationError({"requests_per_minute": "Give at least one of the three limits."})
        if self.model_class != EVERY_MODEL and EVERY_MODEL in self.model_class:
            raise ValidationError({"model_class": "Write the beginning of the names without a *, or * alone."})


class RateLimitBucket(models.Model):
    """What is left of a rate limit. Changed under its lock, and never by an edit of the limit."""

    rate_limit = models.OneToOneField(RateLimit, models.CASCADE, related_name="bucket")
    state = JSONText(help_text="As `runs.engine.rate_limits.bucket.Bucket`.")
