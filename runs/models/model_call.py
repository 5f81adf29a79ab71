"""Model calls: one row per try, the ledger of what was spent."""

from django.db import models

from runs.models.fields import MONEY, new_id
from runs.models.run import Run
from runs.models.step import Step


class ModelCallStatus(models.TextChoices):
    """How a try ended."""

    STARTED = "started", "started"
    SETTLED = "settled", "settled: the usage is the provider's"
    PRESUMED = "presumed", "presumed: it broke off, the reserve counts as spent"
    RELEASED = "released", "released: it failed without spending"


class Tier(models.TextChoices):
    """At which tier of its prices the provider serves a call."""

    STANDARD = "standard", "standard"
    BATCH = "batch", "batch: later, and at half the price"


class ModelCall(models.Model):
    """One try of one model step."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="model_calls")
    step = models.ForeignKey(Step, models.CASCADE, db_index=False, related_name="model_calls")
    attempt = models.PositiveIntegerField()
    fence = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=ModelCallStatus, default=ModelCallStatus.STARTED)
    model = models.CharField(max_length=100)
    body_hash = models.CharField(max_length=64, help_text="SHA-256 of the request.")
    max_tokens = models.PositiveIntegerField()
    message_id = models.CharField(max_length=100, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    stop_reason = models.CharField(max_length=64, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cache_read_tokens = models.PositiveIntegerField(default=0)
    cache_write_tokens = models.PositiveIntegerField(default=0)
    web_searches = models.PositiveIntegerField(default=0, db_default=0, help_text="Made by the provider's server tool.")
    tier = models.CharField(max_length=16, choices=Tier, default=Tier.STANDARD, db_default=Tier.STANDARD)
    reserved_usd = models.DecimalField(**MONEY, help_text="The most it could cost, before it was sent.")
    cost_usd = models.DecimalField(**MONEY, default=0)
    # Kept when the call is settled: its rates may be known to nobody later.
    saved_by_cache_usd = models.DecimalField(
        **MONEY, default=0, db_default=0, help_text="Against plain input; below 0: it cost more."
    )
    saved_by_batch_usd = models.DecimalField(**MONEY, default=0, db_default=0, help_text="Against the standard tier.")
    price_version = models.CharField(max_length=64, help_text="Which prices: of genai-prices, or a row of ours.")
    error_type = models.CharField(max_length=100, blank=True)
    error_kind = models.CharField(
        max_length=16, blank=True, help_text="The kind that a failed try counts as: see `ErrorKind`."
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["started_at"]
        constraints = [models.UniqueConstraint(fields=["step", "attempt"], name="model_call_attempt")]
        indexes = [models.Index(fields=["run", "started_at"], name="model_call_of_run")]

    def __str__(self) -> str:
        return f"{self.model} try {self.attempt}"
