"""Artifacts: payloads too large for a row."""

import hashlib
import uuid

from django.db import models

from runs.models.run import Run
from runs.storable import storable_text


class Artifact(models.Model):
    """One stored payload of a run."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100, default="text/plain; charset=utf-8")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.size:,} bytes)"


def keep_text(run: Run, *, name: str, text: str) -> Artifact:
    """Build the artifact of a long text, not yet saved."""
    body = storable_text(text).encode()
    return Artifact(run=run, name=name, sha256=hashlib.sha256(body).hexdigest(), size=len(body), body=body)
