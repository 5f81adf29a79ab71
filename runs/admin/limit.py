"""Limits on what works at once, starts or waits, with what they count now."""

from collections import Counter
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from runs.admin.kit.forms import SelectorForm, short_text_field, whole_number
from runs.admin.kit.lists import Column, InForceFilter, badge_column, clip_column, column, moment_column
from runs.admin.kit.tenants import TenantFilter, administers, operator_of
from runs.admin.kit.verbs import FormPageAdmin, Verb
from runs.engine.limits.blocked import runs_counted
from runs.engine.tool_limits import calls_counted
from runs.models import Limit, Role
from runs.operations.backlog import runs_waiting
from runs.operations.limits import MOST, change_limit, remove_limit, set_limit
from runs.states import LimitKind


class LimitForm(SelectorForm):
    """What it is about, and how many."""

    kind = forms.ChoiceField(
        choices=[
            (LimitKind.CONCURRENCY.value, "at once"),
            (LimitKind.RATE.value, "within a window"),
            (LimitKind.BACKLOG.value, "waiting"),
        ],
        help_text="Runs, their starts, or those that wait in a queue; with a tool, its calls.",
    )
    most = forms.IntegerField(
        min_value=0, max_value=MOST, label="At most", help_text="0 lets nothing start, or be posted."
    )
    per_s = forms.FloatField(
        min_value=1, max_value=86_400, initial=60, label="Window, in seconds", help_text="Only of a rate."
    )
    each_tenant = forms.BooleanField(
        required=False, label="For each tenant", help_text="For each of them, instead of for all together."
    )
    note = short_text_field("Why", required=False)


def _counts_of(limit: Limit) -> Counter[UUID]:
    if limit.kind == LimitKind.BACKLOG:
        return runs_waiting(limit)
    return calls_counted(limit) if limit.tool else runs_counted(limit)


def _holds(limit: Limit) -> str:
    """Say how many it counts; for each tenant, the most that one has."""
    counts = _counts_of(limit)
    most = max(counts.values(), default=0)
    return f"at most {most} of one tenant" if limit.each_tenant else str(counts.total())


def _switch(is_active: bool) -> Verb:
    def switch(request: HttpRequest, limit: Limit) -> str:
        change_limit(limit, user=operator_of(request), is_active=is_active)
        return f"{'In force' if is_active else 'Off'}: {limit}."

    return switch


def _change(request: HttpRequest, limit: Limit) -> str:
    most, note = whole_number(request.POST.get("most", "")), request.POST.get("note")
    changed = change_limit(limit, user=operator_of(request), most=-1 if most is None else most, note=note)
    return f"Changed: {changed}."


@admin.register(Limit)
class LimitAdmin(FormPageAdmin[Limit]):
    """Set limits, see what they hold, switch them off and on."""

    general_rows = True
    list_display = (
        "state", "what", "about", "holds", clip_column("note", "note"), column("updated_by", "changed by"),
        moment_column("updated_at", "changed"),
    )  # fmt: skip
    list_display_links = ("what",)
    list_filter = ("kind", InForceFilter, "queue", ("tenant", TenantFilter))
    list_select_related = ("tenant", "updated_by")
    search_fields = ("queue", "job_type", "model", "tool", "note")
    empty_state = (
        "No limits yet. Slots bound how many runs work at once, job types may cap a tenant, tenants share each queue "
        "equally, and every post is accepted."
    )
    hint = (
        "Every limit that applies must have room before a run starts. A post to a full backlog is answered with 429. "
        "Edits take effect everywhere within a second."
    )
    form_verb = "set"
    form_title = "Set a limit"
    form_hint = "Running work goes on. While the limit is full, no more starts, or no more is accepted."
    form_class = LimitForm
    form_roles = (Role.ADMIN,)
    verbs = {"off": _switch(False), "on": _switch(True), "most": _change}

    state = badge_column("state", lambda limit: "in_force" if limit.is_active else "off")
    what = Column("at most", lambda limit: limit.amount)
    about = Column("of", lambda limit: limit.scope)
    holds = Column("counted now", _holds)

    def page_context(self, request: HttpRequest, record: Limit) -> dict[str, Any]:
        """Whether it may be removed."""
        return {"may_remove": self.has_delete_permission(request, record)}

    def call_operation(self, request: HttpRequest, said: dict[str, Any]) -> str:
        """Set the limit."""
        return f"Set: {set_limit(Limit(**said), user=operator_of(request))}."

    def has_delete_permission(self, request: HttpRequest, obj: Limit | None = None) -> bool:
        """An admin of its tenant; for every tenant, a superuser."""
        may = request.user.has_perm("runs.delete_limit")
        return may and (obj is None or administers(request, obj.tenant_id))

    def delete_model(self, request: HttpRequest, obj: Limit) -> None:
        """Let it hold no longer."""
        remove_limit(obj, user=operator_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Limit]) -> None:
        """Let the selected ones hold no longer."""
        for limit in queryset.select_related("tenant"):
            self.delete_model(request, limit)
