"""Tenants and memberships: the only records of this app that are written by hand."""

from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, Model
from django.forms import ModelChoiceField
from django.http import HttpRequest
from django.utils.safestring import SafeString

from runs.admin.palette import badge_html
from runs.admin.records import CREATED
from runs.admin.scope import TenantFilter, TenantScopedAdmin, tenants_of
from runs.models import Membership, Role, Tenant


@admin.register(Tenant)
class TenantAdmin(TenantScopedAdmin[Tenant]):
    """Name, suspend and add tenants."""

    tenant_path = "pk"
    list_display = ("slug", "name", "state", CREATED)
    list_filter = ("is_active",)
    search_fields = ("slug", "name")
    fields = ("slug", "name", "is_active")

    @admin.display(description="state", ordering="is_active")
    def state(self, tenant: Tenant) -> SafeString:
        """Say whether its runs may run."""
        return badge_html("active" if tenant.is_active else "suspended")

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:
        """The slug is a public name: dead letters and clients know the tenant by it."""
        return ("slug",) if obj else ()


@admin.register(Membership)
class MembershipAdmin(TenantScopedAdmin[Membership]):
    """Give people a role in a tenant. Except for superusers, only its admins may."""

    list_display = ("user", "tenant", "role")
    list_filter = (("tenant", TenantFilter), "role")
    list_select_related = ("user", "tenant")
    search_fields = ("user__username", "tenant__slug")
    autocomplete_fields = ("user",)  # asks for the permission to see users

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """An admin of the tenant may change its roles."""
        return super().has_change_permission(request, obj) and _administers(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """An admin of the tenant may end a membership."""
        return super().has_delete_permission(request, obj) and _administers(request, obj)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Model] | None":
        """Offer only the tenants that the user administers."""
        if db_field.name == "tenant":
            kwargs["queryset"] = tenants_of(request, Role.ADMIN)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _administers(request: HttpRequest, membership: Membership | None) -> bool:
    if membership is None:
        return True
    return tenants_of(request, Role.ADMIN).filter(pk=membership.tenant_id).exists()
