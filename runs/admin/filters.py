"""Filters of lists in the words of the column that they filter by."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


class InForceFilter(admin.SimpleListFilter):
    """A filter by whether a row holds."""

    title = "state"
    parameter_name = "is_active"
    words = ("In force", "Off")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the two states."""
        return list(zip(("1", "0"), self.words, strict=True))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter the list."""
        return queryset.filter(is_active=self.value() == "1") if self.value() in ("0", "1") else queryset


class ActiveFilter(InForceFilter):
    """A filter by whether a tenant's runs may run."""

    words = ("Active", "Suspended")
