"""Revoked tools: what no agent may call, why, and giving it back."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from runs.admin.kit.formatting import badge, badge_html
from runs.admin.kit.lists import clip_column, moment_column
from runs.admin.kit.tenants import TenantFilter, operator_of, tenants_of
from runs.admin.kit.verbs import FormPageAdmin, Verb
from runs.models import RevokedTool, Role, Tenant
from runs.operations.revoke_tool import restore_tool, revoke_tool, tools_to_revoke


class RevokeForm(forms.Form):
    """Which tool, where, why."""

    tool = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"list": "suggestions"}))
    tenant = forms.ModelChoiceField(queryset=Tenant.objects.none(), empty_label="every tenant")
    reason = forms.CharField(
        max_length=4000, widget=forms.Textarea(attrs={"rows": 2}), label="Why? The agents are told."
    )

    def __init__(self, *args: Any, tenants: QuerySet[Tenant], everywhere: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["tenant"]
        field.queryset, field.required = tenants, not everywhere
        if not everywhere:
            field.empty_label = "choose one"
        self.suggestions = tools_to_revoke()


@admin.register(RevokedTool)
class RevokedToolAdmin(FormPageAdmin[RevokedTool]):
    """Revoke tools, read why, give them back."""

    general_rows = True
    key_kind = "int"
    list_display = (
        "state", "tool", "where", clip_column("reason", "reason"), "revoked_by",
        moment_column("revoked_at", "revoked"), "restored_by",
    )  # fmt: skip
    list_display_links = ("tool",)
    list_filter = (("tenant", TenantFilter), "tool")
    list_select_related = ("tenant", "revoked_by", "restored_by")
    search_fields = ("tool", "reason")
    page_template = "admin/runs/revokedtool/change_form.html"
    verb_permission = "runs.change_revokedtool"
    empty_state = "No tool has been revoked: agents may call every tool they declare."
    hint = "A revoked tool is refused from its next call on. The agent learns why and goes on without it."
    form_verb = "revoke"
    form_title = "Revoke a tool"
    form_hint = "No agent may use it from the next call on. A call in flight is not interrupted."
    form_permission = "runs.add_revokedtool"
    form_class = RevokeForm

    @admin.display(description="state")
    def state(self, revoked: RevokedTool) -> SafeString:
        """Say whether it holds."""
        return badge_html(_state_of(revoked))

    @admin.display(description="tenant", ordering="tenant")
    def where(self, revoked: RevokedTool) -> str:
        """Say where it holds."""
        return str(revoked.tenant or "every tenant")

    def page_context(self, request: HttpRequest, record: RevokedTool) -> dict[str, Any]:
        """Who revoked it, why, and who gave it back."""
        return {"revoked": record, "status": badge(_state_of(record)), "where": self.where(record)}

    def verbs(self) -> dict[str, Verb]:
        """Restore."""
        return {"restore": _restore}

    def form_options(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the tenants that the user administers; superusers may leave it empty."""
        return {"tenants": tenants_of(request, Role.ADMIN), "everywhere": request.user.is_superuser}

    def call_operation(self, request: HttpRequest, said: Mapping[str, Any]) -> str:
        """Revoke the tool."""
        revoked = revoke_tool(said["tool"], tenant=said["tenant"], reason=said["reason"], user=operator_of(request))
        return f"Revoked: {revoked}."


def _state_of(revoked: RevokedTool) -> str:
    return "restored" if revoked.restored_at else "revoked"


def _restore(request: HttpRequest, revoked: RevokedTool) -> str:
    if restore_tool(revoked, user=operator_of(request)):
        return f"Restored: agents may call {revoked.tool} again."
    return "It was restored already."
