"""Definitions: what an agent was when a run started."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from runs.admin.kit.formatting import block, mono, pretty
from runs.admin.kit.lists import CREATED, Column, column
from runs.admin.kit.read_only import ReadOnlyAdmin
from runs.models import Definition


@admin.register(Definition)
class DefinitionAdmin(ReadOnlyAdmin[Definition]):
    """Read definitions; a user sees those that runs of the own tenants have."""

    tenant_path = "run__tenant"
    list_display = ("job_type", "short_hash", "model", "tool_count", CREATED)
    list_filter = ("job_type", "model")
    search_fields = ("job_type", "hash")
    fields = ("job_type", "full_hash", "model", "max_tokens", "cache_ttl", CREATED, "system_prompt", "tool_schemas")
    empty_state = "No definitions yet. One is stored when an agent's run is first claimed by a worker."

    short_hash = column("hash", "hash", lambda text: mono(text[:12]))
    full_hash = column("hash", "hash", mono)
    tool_count = Column("tools", lambda definition: len(definition.tools))
    system_prompt = Column("system prompt", lambda definition: block(definition.system or "(empty)"))
    tool_schemas = Column("tool schemas", lambda definition: block(pretty(definition.tools)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Definition]:
        """Each definition once, however many runs have it."""
        return super().get_queryset(request).distinct()
