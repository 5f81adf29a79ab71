"""Approval rules: what was approved beforehand, how much of it is used, and ending it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from runs import clock
from runs.admin.kit import formatting
from runs.admin.kit.formatting import clipped
from runs.admin.kit.forms import JSONTextField, TenantForm, UtcField, short_text_field
from runs.admin.kit.lists import Column, badge_column, moment_column
from runs.admin.kit.tenants import TenantFilter, operator_of
from runs.admin.kit.verbs import FormPageAdmin, Question
from runs.models import DECIDERS, ApprovalRule
from runs.operations.actions.rules import DAYS_MAX, USES_MAX, grant_rule, revoke_rule, tools_for_rules

USES_SHOWN = 50
REVOKE = Question(
    "Revoke the rule?",
    "From now on a person decides about each of these calls. A revoked rule stays revoked; you can grant another.",
    "Revoke",
)
_USD: dict[str, Any] = {"required": False, "min_value": 0, "max_digits": 14, "decimal_places": 8}


class GrantForm(TenantForm):
    """What a rule is to approve."""

    tool = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"list": "suggestions"}))
    reason = short_text_field("Why does nobody need to look?")
    expires_at = UtcField(
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        label=f"Ends (UTC), at most {DAYS_MAX} days away",
    )
    max_uses = forms.IntegerField(min_value=1, max_value=USES_MAX, label="For at most this many calls")
    max_usd = forms.DecimalField(**_USD, label="One call may move at most, in USD")
    max_total_usd = forms.DecimalField(**_USD, label="All its calls may move at most, in USD")
    job_type = forms.CharField(required=False, max_length=100, label="Only of this job type (empty: of every one)")
    arguments = JSONTextField(required=False, label="Arguments that must be exactly so (JSON object; empty: any)")

    suggestions = staticmethod(tools_for_rules)

    def __init__(self, *args: Any, everywhere: bool, **options: Any) -> None:
        super().__init__(*args, everywhere=False, **options)  # every rule belongs to one tenant
        self.fields["arguments"].widget.attrs["rows"] = 3

    def clean_arguments(self) -> dict[str, Any]:
        """Take an object. Raises: ValidationError."""
        value = self.cleaned_data["arguments"]
        if value is not None and not isinstance(value, dict):
            raise forms.ValidationError("Give a JSON object, such as {}.")
        return value or {}


def _state_of(rule: ApprovalRule) -> str:
    if rule.revoked_at:
        return "revoked"
    if rule.expires_at <= clock.now():
        return "expired"
    return "used up" if rule.uses >= rule.max_uses else "holds"


def _one_call(rule: ApprovalRule) -> str:
    """Say how much one call may move."""
    return "any amount" if rule.max_usd is None else f"up to {formatting.dollars(rule.max_usd)}"


def _moved(rule: ApprovalRule) -> str:
    """Say what its calls have moved, of how much."""
    most = f" of {formatting.dollars(rule.max_total_usd)}" if rule.max_total_usd is not None else ""
    return f"{formatting.dollars(rule.used_usd)}{most}"


def _revoke(request: HttpRequest, rule: ApprovalRule) -> str:
    revoked = revoke_rule(rule, user=operator_of(request))
    return f"Revoked by {revoked.revoked_by}: it approves nothing any more."


@admin.register(ApprovalRule)
class ApprovalRuleAdmin(FormPageAdmin[ApprovalRule]):
    """Read, grant and revoke rules."""

    list_display = (
        "state", "tool", "tenant", "one_call", "used", "moved", moment_column("expires_at", "ends"), "granted_by",
        "why",
    )  # fmt: skip
    list_display_links = ("tool",)
    list_filter = (("tenant", TenantFilter), "tool")
    list_select_related = ("tenant", "granted_by")
    search_fields = ("tool", "reason")
    verbs = {"revoke": _revoke}
    questions = {"revoke": REVOKE}
    empty_state = "No rules: a person decides about every call that asks for approval."
    hint = "A rule approves calls of low risk beforehand, within bounds. Each use is recorded as a decided action."
    form_verb = "grant"
    form_title = "Grant a rule"
    form_hint = "Calls of low risk within these bounds need no person. Each use is recorded; the rule can be revoked."
    form_class = GrantForm
    form_roles = DECIDERS

    state = badge_column("state", _state_of)
    one_call = Column("one call", _one_call, ordering="max_usd")
    used = Column("uses", lambda rule: f"{rule.uses} of {rule.max_uses}", ordering="uses")
    moved = Column("moved", _moved, ordering="used_usd")
    why = Column("reason", lambda rule: clipped(rule.reason))

    def page_context(self, request: HttpRequest, record: ApprovalRule) -> dict[str, Any]:
        """What its calls must say, and for what it was used."""
        return {
            "arguments": formatting.pretty(record.arguments) if record.arguments else "",
            "uses": record.actions.select_related("run").order_by("-requested_at")[:USES_SHOWN],
        }

    def call_operation(self, request: HttpRequest, said: dict[str, Any]) -> str:
        """Grant the rule."""
        tenant = said.pop("tenant")
        rule = grant_rule(ApprovalRule(**said), tenant=tenant, user=operator_of(request))
        return f"Granted: {rule.tool}, at most {rule.max_uses} calls, until {formatting.minute(rule.expires_at)} UTC."
