"""Tenants and memberships: who there is, and who may do what where."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from runs.admin.kit.forms import EditedAdmin, OwnTenantsAdmin, SearchedSelect
from runs.admin.kit.lists import CREATED, ActiveFilter, badge_column
from runs.admin.kit.tenants import TenantFilter
from runs.models import Membership, Tenant
from runs.models.people import name_path


@admin.register(Tenant)
class TenantAdmin(EditedAdmin[Tenant]):
    """Name, suspend and add tenants."""

    tenant_path = "pk"
    list_display = ("slug", "name", "state", CREATED)
    list_filter = (ActiveFilter,)
    search_fields = ("slug", "name")
    fields = ("slug", "name", "is_active", "weight")
    labels: ClassVar[Any] = {"is_active": "Active"}

    state = badge_column("state", lambda tenant: "active" if tenant.is_active else "suspended", ordering="is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:
        """The slug is a public name. Its share beside other tenants is the operator's to say, not the tenant's."""
        shared = () if getattr(request.user, "is_superuser", False) else ("weight",)
        return ("slug", *shared) if obj else shared


@admin.register(Membership)
class MembershipAdmin(OwnTenantsAdmin[Membership]):
    """Give people a role in a tenant. Except for superusers, only its admins may."""

    list_display = ("user", "tenant", "role")
    list_filter = (("tenant", TenantFilter), "role")
    list_select_related = ("user", "tenant")
    search_fields = (name_path("user"), "tenant__slug")

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Search for people where the project's own page of them can: it asks for the permission to see users."""
        page = self.admin_site._registry.get(get_user_model())
        return ("user",) if page and page.search_fields else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Never list all users: without a search, a key is typed."""
        if db_field.name == "user":
            kwargs["widget"] = (
                SearchedSelect(db_field, self.admin_site)
                if self.get_autocomplete_fields(request)
                else ForeignKeyRawIdWidget(db_field.remote_field, self.admin_site)
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
