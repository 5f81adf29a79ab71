"""Definitions: what an agent was when a run started."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from runs.admin.kit.formatting import block, mono, pretty
from runs.admin.kit.lists import CREATED
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
    readonly_fields = ("full_hash", CREATED, "system_prompt", "tool_schemas")
    empty_state = "No definitions yet. One is stored when an agent's run is first claimed by a worker."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Definition]:
        """Each definition once, however many runs have it."""
        return super().get_queryset(request).distinct()

    @admin.display(description="hash", ordering="hash")
    def short_hash(self, definition: Definition) -> SafeString:
        """Show the hash by its beginning."""
        return mono(definition.hash[:12])

    @admin.display(description="hash")
    def full_hash(self, definition: Definition) -> SafeString:
        """Show the whole hash."""
        return mono(definition.hash)

    @admin.display(description="tools")
    def tool_count(self, definition: Definition) -> int:
        """Count the tools."""
        return len(definition.tools)

    @admin.display(description="system prompt")
    def system_prompt(self, definition: Definition) -> SafeString:
        """Show the system prompt as it was sent."""
        return block(definition.system or "(empty)")

    @admin.display(description="tool schemas")
    def tool_schemas(self, definition: Definition) -> SafeString:
        """Show the tool schemas as they were sent."""
        return block(pretty(definition.tools))
