"""Pending actions: the inbox, and the page on which one is decided."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from runs.admin.actions.bulk import BulkPages
from runs.admin.actions.card import amount_of
from runs.admin.actions.inbox import InboxTabs, count_approvals
from runs.admin.actions.page import how_decided, page_context
from runs.admin.actions.verbs import DECIDING, VERBS, form_for
from runs.admin.kit import formatting
from runs.admin.kit.lists import Column, badge_column, column
from runs.admin.kit.read_only import FilledAdmin
from runs.admin.kit.tenants import TenantFilter, operator_of
from runs.admin.kit.verbs import KeptForms, VerbResult
from runs.errors import ConflictError, NotPermittedError, RunsError
from runs.models import PendingAction
from runs.models.people import name_path
from runs.operations.actions.approve import has_agreed
from runs.states import ActionStatus


def _agreed(action: Any) -> str:
    """Say how many of how many have agreed, where one is not enough."""
    return f"{action.approvals_given} of {action.approvals_needed}" if action.approvals_needed > 1 else ""


def _asked(action: PendingAction) -> str:
    """Say who was asked to look, or whom it was left to."""
    return str(action.assignee or ("the admins" if action.escalated_at else ""))


def _expires(action: PendingAction) -> str:
    """Say how long there is, or when it was decided."""
    if action.decided_at:
        return f"decided {formatting.minute(action.decided_at)}"
    if action.expires_at is None:
        return "never"
    left = (action.expires_at - timezone.now()).total_seconds()
    return f"in {formatting.seconds(left)}" if left > 0 else "due"


def _run_page(action: PendingAction) -> str:
    return reverse("admin:runs_run_change", args=[action.run_id])


@admin.register(PendingAction)
class PendingActionAdmin(BulkPages, FilledAdmin[PendingAction]):
    """Decide what agents ask."""

    list_display = (
        "state", "kind", "tool_name", "risk_chip", "amount", "agreed", "asked", "expires", "tenant", "run_link", "why",
    )  # fmt: skip
    list_display_links = ("kind", "tool_name")
    list_filter = (InboxTabs, "kind", "tool", "risk", ("tenant", TenantFilter))
    list_per_page = 50
    search_fields = ("tool", "effect_key", "run__job_type")
    ordering = (F("expires_at").asc(nulls_last=True), "requested_at")
    form_verbs = VERBS
    empty_state = "No pending actions yet. One appears here when an agent needs a person's decision."

    state = badge_column("status", lambda action: action.status, ordering="status")
    tool_name = column("tool", "tool", formatting.mono, empty=formatting.mono("none"))
    risk_chip = column("risk", "risk", formatting.badge_html, empty="")
    amount = Column("amount", amount_of, ordering="amount_usd")
    agreed = Column("agreed", _agreed)
    asked = Column("assignee", _asked, ordering=name_path("assignee"))
    run_link = Column("run", lambda action: format_html('<a href="{}">{}</a>', _run_page(action), action.run))
    why = Column("reason", lambda action: formatting.clipped(action.reason))
    expires = Column("expires", _expires, ordering="expires_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PendingAction]:
        """With all that list and page show; the admin leaves a query alone that selects related rows itself."""
        return super().get_queryset(request).select_related("tenant", "run", "step", "decided_by", "assignee", "rule")

    def fill(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Count the approvals of a page at once."""
        count_approvals(rows)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show the status where rows differ in it."""
        differ = request.GET.get(InboxTabs.parameter_name) in ("decided", "all")
        return self.list_display if differ else self.list_display[1:]

    def verb_context(self, request: HttpRequest, record: PendingAction, kept_forms: KeptForms) -> dict[str, Any]:
        """The action with the verbs that fit."""
        title = f"{record.kind.capitalize()}: {record.tool or record.run.job_type}"
        return {"title": title, **page_context(record, request.user, kept_forms=kept_forms)}

    def verb_form(self, request: HttpRequest, record: PendingAction, name: str, data: Any = None) -> forms.Form:
        """Build the form of a verb; a run's page has no field for the arguments."""
        return form_for(record, name, data, short="arguments" not in request.POST)

    def check_fits(self, record: PendingAction, name: str) -> None:
        """Refuse what somebody has decided meanwhile. Raises: ConflictError."""
        if not record.verbs:
            raise ConflictError(f"it is already {how_decided(record)}")

    def call_verb(self, request: HttpRequest, record: PendingAction, name: str, said: Mapping[str, Any]) -> VerbResult:
        """Decide or hand on; the same decision of somebody faster stands, and is named."""
        user = operator_of(request)
        before = record.bound_hash if has_agreed(record, user) else None  # what the user had approved already
        action = VERBS[name].operation(record, user=user, **said)
        is_open = action.status == ActionStatus.OPEN
        if name in DECIDING and action.decided_by_id not in (None, request.user.pk):
            messages.warning(request, f"Already {how_decided(action)}.")
        elif name == "approve" and is_open and action.bound_hash == before:
            messages.warning(request, "You have approved this already, and count once. Another person must agree.")
        elif name == "approve" and is_open:
            return "Your approval counts. It stays open until enough people have agreed."
        else:
            return VERBS[name].done
        return None

    def refuse(self, request: HttpRequest, record: PendingAction, error: RunsError) -> VerbResult:
        """Say why not: who was faster, if somebody was."""
        present = self.get_object(request, str(record.pk))
        if isinstance(error, NotPermittedError) or present.status == ActionStatus.OPEN:
            return super().refuse(request, record, error)
        messages.error(request, f"Not done. Already {how_decided(present)}.")
        return None

    def next_url(self, request: HttpRequest, record: PendingAction) -> str:
        """The page from which it was posted."""
        return _run_page(record) if request.POST.get("back") == "run" else self.page_of(record)
