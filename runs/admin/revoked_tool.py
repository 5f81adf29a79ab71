"""Revoked tools: what no agent may call, why, and giving it back."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from runs.admin.kit.forms import TenantForm, short_text_field
from runs.admin.kit.lists import badge_column, clip_column, column, moment_column
from runs.admin.kit.tenants import TenantFilter, operator_of
from runs.admin.kit.verbs import FormPageAdmin
from runs.models import RevokedTool, Role
from runs.operations.revoke_tool import restore_tool, revoke_tool, tools_to_revoke


class RevokeForm(TenantForm):
    """Which tool, where, why."""

    tool = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"list": "suggestions"}))
    reason = short_text_field("Why? The agents read the reason.")
    field_order = ["tool", "tenant", "reason"]
    suggestions = staticmethod(tools_to_revoke)


def _restore(request: HttpRequest, revoked: RevokedTool) -> str:
    if restore_tool(revoked, user=operator_of(request)):
        return f"Restored: agents may call {revoked.tool} again."
    return "It was restored already."


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
    empty_state = "No tool has been revoked: agents may call every tool they declare."
    hint = "A revoked tool is refused from its next call on. The agent learns why and goes on without it."
    form_verb = "revoke"
    form_title = "Revoke a tool"
    form_hint = "No agent may use it from the next call on. A call in flight is not interrupted."
    form_class = RevokeForm
    form_roles = (Role.ADMIN,)
    verbs = {"restore": _restore}

    state = badge_column("state", lambda revoked: "restored" if revoked.restored_at else "revoked")
    where = column("tenant", "tenant", empty="every tenant")

    def call_operation(self, request: HttpRequest, said: dict[str, Any]) -> str:
        """Revoke the tool."""
        return f"Revoked: {revoke_tool(said.pop('tool'), user=operator_of(request), **said)}."
