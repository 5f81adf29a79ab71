"""Ceilings: how many runs may wait in a queue. Admins set their tenant's, superusers those of all tenants."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from runs.admin.columns import clip_column, column, moment_column
from runs.admin.edited import OwnTenantsAdmin
from runs.admin.filters import InForceFilter
from runs.admin.palette import badge_html
from runs.admin.scope import TenantFilter
from runs.models import Ceiling
from runs.operations.back_pressure import depth_of
from runs.operations.ceilings import queues_of_job_types, remove_ceiling, set_ceiling

HOW_IT_WORKS = (
    "At its ceiling a queue takes no new run: posting is answered with 429 and told when to try again. It holds within "
    "a second, in every process."
)
_SCOPE = ("queue", "tenant", "each_tenant")
UPDATED = moment_column("updated_at", "changed")


@admin.register(Ceiling)
class CeilingAdmin(OwnTenantsAdmin[Ceiling]):
    """Read, add, change and remove ceilings."""

    general_rows = True
    list_display = (
        "queue", "whose", "state", column("most", "at most"), "waiting", clip_column("note", "note"),
        column("updated_by", "changed by"), UPDATED,
    )  # fmt: skip
    list_display_links = ("queue", "whose")
    list_filter = ("queue", ("tenant", TenantFilter), InForceFilter)
    list_select_related = ("tenant", "updated_by")
    fields: ClassVar[Any] = (*_SCOPE, "most", "is_active", "note", "updated_by", UPDATED)
    readonly_fields: ClassVar[Any] = ("updated_by", UPDATED)
    labels: ClassVar[Any] = {
        "each_tenant": "For each tenant",
        "most": "At most",
        "is_active": "In force",
        "updated_by": "Changed by",
    }
    hint = HOW_IT_WORKS
    empty_state = "No ceilings: every queue takes as many runs as are posted."

    @admin.display(description="for")
    def whose(self, ceiling: Ceiling) -> str:
        """Say whose runs count."""
        return ceiling.tenant.slug if ceiling.tenant else "each tenant" if ceiling.each_tenant else "all together"

    @admin.display(description="waiting now")
    def waiting(self, ceiling: Ceiling) -> str:
        """Count what waits, where one number says it."""
        return "" if ceiling.each_tenant else str(depth_of(ceiling.queue, ceiling.tenant))

    @admin.display(description="state")
    def state(self, ceiling: Ceiling) -> SafeString:
        """Say whether it holds."""
        return badge_html("in_force" if ceiling.is_active else "off")

    def get_readonly_fields(self, request: HttpRequest, obj: Ceiling | None = None) -> Any:
        """What it is of is never edited."""
        return (*self.readonly_fields, *(_SCOPE if obj else ()))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the queues that are declared: a ceiling of a misspelt one would hold nothing."""
        if db_field.name == "queue":
            return forms.ChoiceField(choices=[(name, name) for name in queues_of_job_types()])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Ceiling, form: Any, change: bool) -> None:
        """Set it, as the API does."""
        assert request.user.is_authenticated  # the admin lets nobody else in
        set_ceiling(obj, user=request.user)

    def delete_model(self, request: HttpRequest, obj: Ceiling) -> None:
        """Let it hold no longer."""
        assert request.user.is_authenticated  # the admin lets nobody else in
        remove_ceiling(obj, user=request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Ceiling]) -> None:
        """Let the selected ones hold no longer."""
        for ceiling in queryset.select_related("tenant"):
            self.delete_model(request, ceiling)
