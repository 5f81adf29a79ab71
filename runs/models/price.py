"""Prices that the operator sets: they outrank the price table of genai-prices. History is kept by rows."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from runs import clock

_NOT_NEGATIVE = MinValueValidator(0)
RATE: dict[str, Any] = {"max_digits": 12, "decimal_places": 6, "validators": [_NOT_NEGATIVE]}  # USD
PREFIX = "*"  # at the end of a model's name: every model that begins so


class Price(models.Model):
    """What one model costs from a moment on. A row in force is never edited: a newer one follows it."""

    provider = models.CharField(max_length=32, default="anthropic")
    model = models.CharField(max_length=100, help_text="The exact name, or its beginning and `*`; exact outranks `*`.")
    input_usd = models.DecimalField(**RATE, help_text="USD for a million input tokens.")
    output_usd = models.DecimalField(**RATE, help_text="USD for a million output tokens.")
    cache_read_usd = models.DecimalField(**RATE, help_text="USD for a million tokens read from the cache.")
    cache_write_usd = models.DecimalField(**RATE, help_text="USD for a million tokens cached for 5 minutes.")
    cache_write_1h_usd = models.DecimalField(**RATE, help_text="USD for a million tokens cached for an hour.")
    web_searches_usd = models.DecimalField(**RATE, default=10, help_text="USD for a thousand web searches.")
    batch_factor = models.DecimalField(
        max_digits=5,
        decimal_places=4,
        default=Decimal("0.5"),
        validators=[MinValueValidator(Decimal("0.0001")), MaxValueValidator(1)],
        help_text="What a token costs in a batch, as part of the price.",
    )
    valid_from = models.DateTimeField(default=clock.now, help_text="In force from then on, until a newer row is.")
    note = models.CharField(max_length=300, blank=True, help_text="Why, and where the figures come from.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["provider", "model", "-valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(input_usd__gte=0, output_usd__gte=0, cache_read_usd__gte=0)
                & Q(cache_write_usd__gte=0, cache_write_1h_usd__gte=0, web_searches_usd__gte=0),
                name="price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(batch_factor__gt=0, batch_factor__lte=1), name="price_batch_factor_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from:%Y-%m-%d %H:%M}"

    def clean(self) -> None:
        """Refuse a `*` that stands anywhere but at the end. Raises: ValidationError."""
        if PREFIX in self.model[:-1]:
            raise ValidationError(
                {"model": "Write a model's exact name, or the beginning of names and one * behind it."}
            )
