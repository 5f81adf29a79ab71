"""What all lists of the console share: a sentence above the rows, and what to do when there are none."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from runs.admin.scope import M, TenantScopedAdmin


class ListedAdmin(TenantScopedAdmin[M]):
    """A list that explains itself. Its title is the plural of what it lists (`change_list.html`)."""

    empty_state = ""  # what to do when there is no row at all
    hint = ""  # a sentence above the list

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or what to do if there is nothing to list."""
        texts = {"empty_state": self.empty_state, "hint": self.hint}
        response: HttpResponse = super().changelist_view(request, texts | (extra_context or {}))
        return response
