"""Definitions: what an agent was when a run started, shared by all runs that started alike."""

import hashlib
from typing import Any

from django.db import models

from runs.models.fields import JSONText, dump_json
from runs.storable import storable, storable_text

SHORT_TTL = "5m"


class Definition(models.Model):
    """A snapshot of model, system prompt, tool schemas and cache lifetime; never changed, found by its hash."""

    hash = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 over all below.")
    job_type = models.CharField(max_length=100, db_index=True)
    model = models.CharField(max_length=100)
    system = models.TextField(blank=True)
    tools = JSONText(help_text="The tool schemas as the model receives them, in their order.")
    max_tokens = models.PositiveIntegerField(help_text="Ceiling of one answer.")
    cache_ttl = models.CharField(
        max_length=8, default=SHORT_TTL, db_default=SHORT_TTL, help_text="How long the provider keeps the prompt."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["job_type", "-created_at"]

    def __str__(self) -> str:
        return f"{self.job_type} {self.hash[:8]}"

    @property
    def tool_names(self) -> list[str]:
        """The names of the tools, in their order."""
        return [tool["name"] for tool in self.tools]


def definition_for(
    *, job_type: str, model: str, system: str, tools: list[Any], max_tokens: int, cache_ttl: str = SHORT_TTL
) -> Definition:
    """Find or store the definition with exactly this content."""
    system, tools = storable_text(system), storable(tools)
    longer = (
        [] if cache_ttl == SHORT_TTL else [cache_ttl]
    )  # the others keep the hash they had before there was a choice
    content = dump_json([job_type, model, system, tools, max_tokens, *longer])
    definition, _ = Definition.objects.get_or_create(
        hash=hashlib.sha256(content.encode()).hexdigest(),
        defaults={
            "job_type": job_type,
            "model": model,
            "system": system,
            "tools": tools,
            "max_tokens": max_tokens,
            "cache_ttl": cache_ttl,
        },
    )
    return definition
