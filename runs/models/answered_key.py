"""Idempotency keys that were answered with a run which existed already, so that the key stands for it from then on."""

from django.db import models

from runs.models.run import Run
from runs.models.tenant import Tenant


class AnsweredKey(models.Model):
    """One key. The key of a run that was made for it stands in the run itself."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="answered_keys")
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64, help_text="SHA-256 of the posted body.")
    run = models.ForeignKey(Run, models.CASCADE, related_name="answered_keys")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="one_answer_for_each_key")]

    def __str__(self) -> str:
        return self.key
