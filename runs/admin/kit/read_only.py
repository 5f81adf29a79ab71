"""Lists that explain themselves, and pages of records that nobody writes by hand."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path, reverse

from runs.admin.kit.lists import FilledChangeList, M
from runs.admin.kit.tenants import TenantScopedAdmin


class ListedAdmin(TenantScopedAdmin[M]):
    """A list that explains itself. Its title is the plural of what it lists (`change_list.html`)."""

    empty_state = ""  # what to do when there is no row at all
    hint = ""  # a sentence above the list

    def list_texts(self, request: HttpRequest) -> dict[str, str]:
        """The texts beside the list, or instead of it if there is nothing to list."""
        return {"empty_state": self.empty_state, "hint": self.hint}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with its texts."""
        response: HttpResponse = super().changelist_view(request, self.list_texts(request) | (extra_context or {}))
        return response


class FilledAdmin(ListedAdmin[M]):
    """A list whose rows show more than their own columns, read for a whole page at once."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[FilledChangeList]:
        """Read the rows of a page, then fill them."""
        return FilledChangeList

    def fill(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Add to the rows of a page what they show besides their columns."""
        raise NotImplementedError


class ReadOnlyAdmin(ListedAdmin[M]):
    """A record that nobody writes by hand: no adding, no changing, no deleting."""

    fields: ClassVar[Any] = None  # may hold columns, which the stubs do not foresee
    # The one permission for all that people do here: verbs, bulk actions and making a record. Without it, Django's own
    # `change` is asked for, and `add` to make one.
    act_permission = ""
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

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        """Every field is only read, columns too."""
        return self.fields or ()

    def may_act(self, request: HttpRequest, what: str = "change") -> bool:
        """Say whether the user may do it: `change` is for verbs and bulk actions, `add` for making a record."""
        return request.user.has_perm(self._permission_to(what))

    has_act_permission = may_act  # of bulk actions, as Django looks it up

    def check_may_act(self, request: HttpRequest, what: str = "change") -> None:
        """Refuse who lacks the permission. Raises: PermissionDenied."""
        if not self.may_act(request, what):
            raise PermissionDenied(f"This needs the permission {self._permission_to(what)}.")

    def _permission_to(self, what: str) -> str:
        return self.act_permission or f"{self.opts.app_label}.{get_permission_codename(what, self.opts)}"

    def page_of(self, record: M) -> str:
        """The address of a record's page."""
        return self.address("change", record)

    def address(self, name: str, record: M) -> str:
        """The address of one of the record's pages, or of one of its verbs."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=[record.pk])

    def own_path(self, route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        """Make an address of our own, below that of the list."""
        return path(
            route, self.admin_site.admin_view(view), name=f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        )
