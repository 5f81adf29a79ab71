"""Lists that explain themselves, and pages of records that nobody writes by hand."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from runs.admin.kit.lists import M
from runs.admin.kit.tenants import TenantScopedAdmin


class ListedAdmin(TenantScopedAdmin[M]):
    """A list that explains itself. Its title is the plural of what it lists (`change_list.html`)."""

    empty_state = ""  # what to do when there is no row at all
    hint = ""  # a sentence above the list

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or what to do if there is nothing to list."""
        texts = {"empty_state": self.empty_state, "hint": self.hint}
        response: HttpResponse = super().changelist_view(request, texts | (extra_context or {}))
        return response


class ReadOnlyAdmin(ListedAdmin[M]):
    """A record that nobody writes by hand: no adding, no changing, no deleting."""

    fields: ClassVar[Any] = None  # may hold columns made by `moment_column`, which the stubs do not foresee
    readonly_fields: ClassVar[Any] = ()
    change_form_template: ClassVar[Any] = "admin/runs/record.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds records by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody edits records."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody deletes records."""
        return False

    def page_of(self, record: M) -> str:
        """The address of a record's page."""
        return self.address("change", record)

    def address(self, name: str, record: M) -> str:
        """The address of one of the record's pages, or of one of its verbs."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=[record.pk])
