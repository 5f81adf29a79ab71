"""Rows that people write by hand, in Django's forms: labels in words, amounts as people write them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import DecimalField, ForeignKey, Model
from django.forms import ModelChoiceField
from django.http import HttpRequest

from runs.admin import show
from runs.admin.listed import ListedAdmin
from runs.admin.scope import M, administers, tenants_of
from runs.models import Role


class AmountField(forms.DecimalField):
    """An amount: 9.00, not 9.00000000."""

    def prepare_value(self, value: Any) -> Any:
        """Write a stored amount; what somebody typed stays as it is."""
        return show.amount(value) if isinstance(value, Decimal) else value


class EditedAdmin(ListedAdmin[M]):
    """A list, and forms in which rows are added and changed."""

    labels: ClassVar[Mapping[str, str]] = {}  # of fields whose names are no words
    formfield_overrides: ClassVar[Any] = {DecimalField: {"form_class": AmountField}}

    def get_form(self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Label the fields, those that are only read too."""
        return super().get_form(request, obj, change, **{"labels": self.labels} | kwargs)

    def get_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        """Leave out of the form of a new row what is known only of one that exists."""
        fields = super().get_fields(request, obj)
        return fields if obj else [name for name in fields if name not in self.readonly_fields]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Tenants are written on their own page, not from here."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "tenant" and field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class OwnTenantsAdmin(EditedAdmin[M]):
    """Forms of records that a tenant's admins write, and superusers for every tenant: those alone leave it empty."""

    # Adding is bounded by the tenants that the form offers.

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """An admin of its tenant; for every tenant, a superuser."""
        return super().has_change_permission(request, obj) and _may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """As changing it."""
        return super().has_delete_permission(request, obj) and _may_write(request, obj)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Model] | None":
        """Offer the tenants that the user administers."""
        if db_field.name == "tenant":
            may_be_empty = db_field.null and request.user.is_superuser
            kwargs |= {"queryset": tenants_of(request, Role.ADMIN), "required": not may_be_empty}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _may_write(request: HttpRequest, record: Any) -> bool:
    return record is None or administers(request, record.tenant_id)
