"""The console's pages of causes: the list that comes first, and a page for each."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deadletters.admin import look
from deadletters.admin.group_page import group_context
from deadletters.admin.scope import causes_seen, tenants_seen
from deadletters.admin.sparkline import sparkline
from deadletters.admin.verb_page import VerbPageAdmin
from deadletters.admin.verbs import OF_GROUPS
from deadletters.figures import figures_of, shared_beyond, with_own_times
from deadletters.models import LetterGroup
from deadletters.verbs.group import tenants_of

EMPTY_STATE = "No causes: no run has failed for good. Failures with the same cause appear here as one row."
HINT = "Failures that differ in ids and numbers only are one cause."
NAMES_SHOWN = 3


class GroupChangeList(ChangeList):
    """A page of groups with the figures of the letters that the user may see, gathered for all rows at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then its figures."""
        super().get_results(request)
        groups: list[Any] = list(self.result_list)
        tenants = tenants_seen(request)
        figures, shared = figures_of(groups, tenants=tenants), shared_beyond(groups, tenants)
        for group in groups:
            group.figures = figures[group.pk]
            group.is_shared = group.pk in shared
        self.result_list = groups  # templates only go through it


@admin.register(LetterGroup)
class LetterGroupAdmin(VerbPageAdmin[LetterGroup]):
    """Read causes and decide about them."""

    list_display = (
        "status", "job_type", "error_class", "text", "letters_seen", "trend", "first", "last", "tenants", "versions",
        "looked_after_by",
    )  # fmt: skip
    list_display_links = ("job_type", "error_class")
    list_filter = ("state", "job_type", "error_class")
    list_select_related = ("assignee",)
    list_per_page = 50
    search_fields = ("fingerprint", "error_class", "message", "job_type", "step_name")
    page_template = "admin/deadletters/lettergroup/change_form.html"
    page_verbs = OF_GROUPS

    def get_queryset(self, request: HttpRequest) -> QuerySet[LetterGroup]:
        """Only causes that the user's tenants met; superusers see all."""
        causes = with_own_times(causes_seen(request, LetterGroup.objects.all()), tenants_seen(request))
        return causes.order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The one that failed last first, among the letters that the user may see."""
        return ("-own_last_seen",)

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        """Not by assignee, which is hidden where a cause is shared: its place in the order would tell."""
        hidden = () if request.user.is_superuser else ("looked_after_by",)
        return [name for name in self.list_display if name not in hidden]

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        """Use the list that gathers figures."""
        return GroupChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or that all is well."""
        texts = {"empty_state": EMPTY_STATE, "hint": HINT}
        response: HttpResponse = super().changelist_view(request, texts | (extra_context or {}))
        return response

    @admin.display(description="state", ordering="state")
    def status(self, group: Any) -> SafeString:
        """Show the state, with an icon beside its text."""
        return look.badge(group.state)

    @admin.display(description="message")
    def text(self, group: Any) -> SafeString:
        """Show the beginning of the message."""
        return format_html('<span class="clip">{}</span>', group.message[:160])

    @admin.display(description="letters")
    def letters_seen(self, group: Any) -> str:
        """Show how many letters there are."""
        return f"{group.figures.count:,}"

    @admin.display(description="last 24 h")
    def trend(self, group: Any) -> SafeString:
        """Show when they came."""
        return sparkline(group.figures.trend)

    @admin.display(description="first (UTC)", ordering="own_first_seen")
    def first(self, group: Any) -> str:
        """Show when the first one came."""
        return look.minute(group.figures.first_seen)

    @admin.display(description="last (UTC)", ordering="own_last_seen")
    def last(self, group: Any) -> str:
        """Show when the last one came."""
        return look.minute(group.figures.last_seen)

    @admin.display(description="tenants")
    def tenants(self, group: Any) -> str:
        """Show the tenants that met it most."""
        return _most(group.figures.tenants)

    @admin.display(description="versions")
    def versions(self, group: Any) -> str:
        """Show the versions that met it most."""
        return _most({version: count for version, count in group.figures.versions.items() if version})

    @admin.display(description="assignee", ordering="assignee")
    def looked_after_by(self, group: Any) -> str:
        """Show who looks after it; not to whom only a part of it belongs."""
        return "" if group.is_shared else str(group.assignee or "")

    def page_context(self, request: HttpRequest, record: LetterGroup) -> dict[str, Any]:
        """What the group's page shows."""
        return group_context(record, tenants=tenants_seen(request), user=request.user)

    def tenants_of(self, record: LetterGroup) -> Sequence[str]:
        """Every tenant that met the cause."""
        return tenants_of(record)


def _most(counts: dict[str, int]) -> str:
    names = sorted(counts, key=lambda name: -counts[name])
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
