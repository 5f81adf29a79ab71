"""Who looks at a page, which tenants they see, and in which they have a role."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from runs.admin.kit.lists import M, ShownOnlyAdmin
from runs.models import Role, Tenant


def operator_of(request: HttpRequest) -> AbstractBaseUser:
    """Return who is signed in."""
    assert request.user.is_authenticated  # the admin lets nobody else in
    return request.user


def tenants_of(request: HttpRequest, *roles: Role) -> QuerySet[Tenant]:
    """Select the tenants in which the user has one of the roles, any if none is named; superusers: all."""
    if request.user.is_superuser:
        return Tenant.objects.all()
    membership: dict[str, Any] = {"memberships__user_id": request.user.pk}
    if roles:
        membership["memberships__role__in"] = roles
    return Tenant.objects.filter(**membership)


def administers(request: HttpRequest, tenant_id: UUID | None) -> bool:
    """Say whether the user is an admin of the tenant; what holds for every tenant belongs to superusers."""
    if request.user.is_superuser:
        return True
    return tenant_id is not None and tenants_of(request, Role.ADMIN).filter(pk=tenant_id).exists()


class TenantScopedAdmin(ShownOnlyAdmin[M]):
    """Pages of records that belong to a tenant: another tenant's do not exist."""

    tenant_path: str | None = "tenant"  # from the record to its tenant; None: it belongs to nobody
    general_rows = False  # whether rows without a tenant hold for every one, and so are seen in each

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Only rows of the user's tenants."""
        rows = super().get_queryset(request)
        if self.tenant_path is None or request.user.is_superuser:
            return rows
        own = Q(**{f"{self.tenant_path}__in": tenants_of(request)})
        return rows.filter(own | Q(**{self.tenant_path: None}) if self.general_rows else own)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M:
        """Find a record. Raises: Http404, also for another tenant's."""
        record = super().get_object(request, object_id, from_field)
        if record is None:
            raise Http404(f"no {self.opts.verbose_name} {object_id}")
        return record


class TenantFilter(admin.RelatedFieldListFilter):
    """A filter by tenant that offers only those the user sees."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """Offer the user's tenants."""
        return [(str(tenant.pk), tenant.slug) for tenant in tenants_of(request)]
