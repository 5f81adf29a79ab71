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

from runs.admin.actions.bulk import BulkPages
from runs.admin.actions.card import amount_of
from runs.admin.actions.inbox import InboxChangeList, InboxTabs
from runs.admin.actions.page import how_decided, page_context
from runs.admin.actions.refusals import PERMISSION
from runs.admin.actions.verbs import DECIDING, VERBS, form_for, say
from runs.admin.kit import formatting
from runs.admin.kit.formatting import badge_html
from runs.admin.kit.forms import add_errors
from runs.admin.kit.tenants import TenantFilter, operator_of
from runs.errors import InvalidInputError, NotPermittedError, RunsError
from runs.models import PendingAction
from runs.models.people import name_path
from runs.operations.actions.approve import has_agreed
from runs.states import ActionStatus


@admin.register(PendingAction)
class PendingActionAdmin(BulkPages):
    """Decide what agents ask."""

    list_display = (
        "state", "kind", "tool_name", "risk_chip", "amount", "agreed", "asked", "expires", "tenant", "run_link", "why",
    )  # fmt: skip
    list_display_links = ("kind", "tool_name")
    list_filter = (InboxTabs, "kind", "tool", "risk", ("tenant", TenantFilter))
    list_per_page = 50
    search_fields = ("tool", "effect_key", "run__job_type")
    ordering = (F("expires_at").asc(nulls_last=True), "requested_at")
    page_template = "admin/runs/pendingaction/change_form.html"
    verb_permission = PERMISSION
    empty_state = "No pending actions yet. One appears here when an agent needs a person's decision."

    def get_queryset(self, request: HttpRequest) -> QuerySet[PendingAction]:
        """With all that list and page show; the admin leaves a query alone that selects related rows itself."""
        return super().get_queryset(request).select_related("tenant", "run", "step", "decided_by", "assignee", "rule")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[InboxChangeList]:
        """Read the approvals of a page at once."""
        return InboxChangeList

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show the status where rows differ in it."""
        differ = request.GET.get(InboxTabs.parameter_name) in ("decided", "all")
        return self.list_display if differ else self.list_display[1:]

    # Columns

    @admin.display(description="status", ordering="status")
    def state(self, action: PendingAction) -> SafeString:
        """Show the status."""
        return badge_html(action.status)

    @admin.display(description="tool", ordering="tool")
    def tool_name(self, action: PendingAction) -> SafeString:
        """Show the tool, if it is about one."""
        return formatting.mono(action.tool or "none")

    @admin.display(description="risk", ordering="risk")
    def risk_chip(self, action: PendingAction) -> SafeString | str:
        """Show how bad a wrong call would be."""
        return badge_html(action.risk) if action.risk else ""

    @admin.display(description="amount", ordering="amount_usd")
    def amount(self, action: PendingAction) -> str:
        """Show what the call moves."""
        return amount_of(action)

    @admin.display(description="agreed")
    def agreed(self, action: Any) -> str:
        """Show how many of how many have agreed, where one is not enough."""
        return f"{action.approvals_given} of {action.approvals_needed}" if action.approvals_needed > 1 else ""

    @admin.display(description="assignee", ordering=name_path("assignee"))
    def asked(self, action: PendingAction) -> str:
        """Show who was asked to look, or whom it was left to."""
        if action.assignee:
            return str(action.assignee)
        return "the admins" if action.escalated_at else ""

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

    @admin.display(description="expires", ordering="expires_at")
    def expires(self, action: PendingAction) -> str:
        """Show how long there is, or when it was decided."""
        if action.decided_at:
            return f"decided {formatting.minute(action.decided_at)}"
        if action.expires_at is None:
            return "never"
        left = (action.expires_at - timezone.now()).total_seconds()
        return f"in {formatting.seconds(left)}" if left > 0 else "due"

    # Page and verbs

    def page_context(self, request: HttpRequest, record: PendingAction) -> dict[str, Any]:
        """The action with the verbs that fit."""
        title = f"{record.kind.capitalize()}: {record.tool or record.run.job_type}"
        return {"title": title, **page_context(record, request.user)}

    def get_urls(self) -> list[URLPattern]:
        """Add one address for each verb."""
        of_verbs = [
            path(
                f"<uuid:pk>/{verb}/",
                self.admin_site.admin_view(partial(self.say_view, verb=verb)),
                name=f"runs_pendingaction_{verb}",
            )
            for verb in VERBS
        ]
        return [*of_verbs, *super().get_urls()]

    def say_view(self, request: HttpRequest, *, pk: Any, verb: str) -> HttpResponseBase:
        """Decide or hand on; wrong input is shown again as it was typed, a lost race says who was faster."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self.check_may_act(request)
        action = self.get_object(request, str(pk))
        form = form_for(action, verb, request.POST, short="arguments" not in request.POST)
        if not form.is_valid():
            return self._again(request, action, verb, form)
        agreed_to = action.bound_hash if has_agreed(action, operator_of(request)) else None
        try:
            self._tell(request, verb, say(action, verb, form, operator_of(request)), agreed_to)
        except InvalidInputError as error:
            add_errors(form, error)
            return self._again(request, action, verb, form)
        except NotPermittedError as error:
            raise PermissionDenied(str(error)) from error
        except RunsError as error:
            self._tell_refusal(request, action, error)
        return redirect(self._back(request, action))

    def _again(self, request: HttpRequest, action: PendingAction, verb: str, form: forms.Form) -> HttpResponseBase:
        if not action.verbs:
            messages.error(request, f"Not done. Already {how_decided(action)}.")
            return redirect(self.page_of(action))
        return self.render_page(request, action, **page_context(action, request.user, bound={verb: form}))

    def _tell(self, request: HttpRequest, verb: str, action: PendingAction, agreed_to: str | None) -> None:
        """Say what was done; the same decision of somebody faster stands, and is named.

        `agreed_to` is the `bound_hash` that the user had approved before.
        """
        if verb in DECIDING and action.decided_by_id not in (None, request.user.pk):
            messages.warning(request, f"Already {how_decided(action)}.")
        elif verb == "approve" and action.status == ActionStatus.OPEN and action.bound_hash == agreed_to:
            messages.warning(request, "You have approved this already, and count once. Another person must agree.")
        elif verb == "approve" and action.status == ActionStatus.OPEN:
            messages.success(request, "Your approval counts. It stays open until enough people have agreed.")
        else:
            messages.success(request, VERBS[verb].done)

    def _tell_refusal(self, request: HttpRequest, action: PendingAction, error: RunsError) -> None:
        """Say why not: who was faster, if somebody was."""
        present = self.get_object(request, str(action.pk))
        is_open = present.status == ActionStatus.OPEN
        messages.error(request, f"Not done: {error}." if is_open else f"Not done. Already {how_decided(present)}.")

    def _back(self, request: HttpRequest, action: PendingAction) -> str:
        if request.POST.get("back") == "run":
            return reverse("admin:runs_run_change", args=[action.run_id])
        return self.page_of(action)
