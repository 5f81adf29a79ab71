"""Pending actions: the inbox, and the page on which one is decided."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.admin import show
from runs.admin.decisions import VERBS, card_of, decide, form_for
from runs.admin.palette import badge_html
from runs.admin.records import PageAdmin
from runs.admin.scope import TenantFilter
from runs.errors import InvalidInputError, NotPermittedError, RunsError
from runs.models import PendingAction
from runs.states import ActionStatus

_DONE = {
    ActionStatus.APPROVED: "Approved.",
    ActionStatus.REJECTED: "Rejected; the agent is told why.",
    ActionStatus.RESOLVED: "Resolved.",
    ActionStatus.ANSWERED: "Answered.",
}


class InboxFilter(admin.SimpleListFilter):
    """Open ones unless asked otherwise: the list is an inbox."""

    title = "inbox"
    parameter_name = "inbox"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What else there is to see; `choices` adds the open ones."""
        return [("decided", "Decided"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        """Name the default for what it is."""
        default, *others = super().choices(changelist)
        return [{**default, "display": "Open"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PendingAction]) -> QuerySet[PendingAction]:
        """Filter the list."""
        if self.value() == "all":
            return queryset
        is_open = {"status": ActionStatus.OPEN}
        return queryset.exclude(**is_open) if self.value() == "decided" else queryset.filter(**is_open)


@admin.register(PendingAction)
class PendingActionAdmin(PageAdmin[PendingAction]):
    """Decide what agents ask."""

    list_display = (
        "state", "kind", "tool_name", "tenant", "run_link", "why", "effect", "requested", "expires",
    )  # fmt: skip
    list_display_links = ("kind", "tool_name")
    list_filter = (InboxFilter, "kind", ("tenant", TenantFilter), "tool")
    list_per_page = 50
    search_fields = ("tool", "effect_key", "run__job_type")
    ordering = (F("expires_at").asc(nulls_last=True), "requested_at")
    page_template = "admin/runs/pendingaction/change_form.html"
    verb_permission = "runs.change_pendingaction"
    empty_state = "No pending actions yet. One appears here when an agent needs a person's decision."

    def get_queryset(self, request: HttpRequest) -> QuerySet[PendingAction]:
        """With all that list and page show; the admin leaves a query alone that selects related rows itself."""
        return super().get_queryset(request).select_related("tenant", "run", "step", "decided_by")

    # Columns

    @admin.display(description="status", ordering="status")
    def state(self, action: PendingAction) -> SafeString:
        """Show the status."""
        return badge_html(action.status)

    @admin.display(description="tool", ordering="tool")
    def tool_name(self, action: PendingAction) -> SafeString:
        """Show the tool, if it is about one."""
        return show.mono(action.tool or "none")

    @admin.display(description="run")
    def run_link(self, action: PendingAction) -> SafeString:
        """Link to the run."""
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:runs_run_change", args=[action.run_id]), str(action.run)
        )

    @admin.display(description="reason")
    def why(self, action: PendingAction) -> SafeString:
        """Show the beginning of the reason."""
        return format_html('<span class="clip">{}</span>', action.reason[:160])

    @admin.display(description="requested (UTC)", ordering="requested_at")
    def requested(self, action: PendingAction) -> str:
        """Show when it was asked."""
        return show.minute(action.requested_at)

    @admin.display(description="expires", ordering="expires_at")
    def expires(self, action: PendingAction) -> str:
        """Show how long there is, or when it was decided."""
        if action.decided_at:
            return f"decided {show.minute(action.decided_at)}"
        if action.expires_at is None:
            return "never"
        left = (action.expires_at - timezone.now()).total_seconds()
        return f"in {show.seconds(left)}" if left > 0 else "due"

    # Page and verbs

    def page_context(self, request: HttpRequest, record: PendingAction) -> dict[str, Any]:
        """The action with the verbs that fit."""
        return {
            "action": record,
            "card": card_of(record, request.user),
            "run_href": reverse("admin:runs_run_change", args=[record.run_id]),
            "title": f"{record.kind.capitalize()}: {record.tool or record.run.job_type}",
        }

    def get_urls(self) -> list[URLPattern]:
        """Add one address for each verb."""
        own = [
            path(
                f"<uuid:pk>/{verb}/",
                self.admin_site.admin_view(partial(self.decide_view, verb=verb)),
                name=f"runs_pendingaction_{verb}",
            )
            for verb in VERBS
        ]
        return own + super().get_urls()

    def decide_view(self, request: HttpRequest, *, pk: Any, verb: str) -> HttpResponseBase:
        """Decide; wrong input is shown again as it was typed, a lost race says who was faster."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.may_act(request):
            raise PermissionDenied(f"This needs the permission {self.verb_permission}.")
        action = self.get_object(request, str(pk))
        form = form_for(action, verb, request.POST, short="arguments" not in request.POST)
        if not form.is_valid():
            return self._again(request, action, verb, form)
        try:
            decided = decide(action, verb, form, request.user)
        except InvalidInputError as error:
            form.add_error(None, str(error))
            return self._again(request, action, verb, form)
        except NotPermittedError as error:
            raise PermissionDenied(str(error)) from error
        except RunsError as error:
            messages.error(request, f"Not done: {error}.")
        else:
            self._tell(request, decided)
        return redirect(self._back(request, action))

    def _again(self, request: HttpRequest, action: PendingAction, verb: str, form: forms.Form) -> HttpResponseBase:
        if not action.verbs:
            messages.error(request, f"Not done: the action was already {action.status}.")
            return redirect(self.page_of(action))
        return self.render_page(request, action, card=card_of(action, request.user, bound={verb: form}))

    def _tell(self, request: HttpRequest, action: PendingAction) -> None:
        """Say what was decided; the same decision of somebody faster stands, and is named."""
        if action.decided_by_id == request.user.pk:
            messages.success(request, _DONE[ActionStatus(action.status)])
            return
        at = show.moment(action.decided_at)
        messages.warning(request, f"Already {action.status} by {action.decided_by} at {at} UTC.")

    def _back(self, request: HttpRequest, action: PendingAction) -> str:
        if request.POST.get("back") == "run":
            return reverse("admin:runs_run_change", args=[action.run_id])
        return self.page_of(action)
