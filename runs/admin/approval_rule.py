"""Approval rules: what was approved beforehand, how much of it is used, and ending it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs import clock
from runs.admin.kit import formatting
from runs.admin.kit.formatting import badge, badge_html
from runs.admin.kit.forms import JSONTextField
from runs.admin.kit.lists import moment_column
from runs.admin.kit.tenants import TenantFilter, operator_of, tenants_of
from runs.admin.kit.verbs import FormPageAdmin, Question, Verb
from runs.models import DECIDERS, ApprovalRule, Tenant
from runs.operations.actions.rules import DAYS_MAX, USES_MAX, grant_rule, revoke_rule, tools_for_rules

USES_SHOWN = 50
REVOKE = Question(
    "Revoke the rule?",
    "From now on a person decides about each of these calls. A revoked rule stays revoked; you can grant another.",
    "Revoke",
)
_USD: dict[str, Any] = {"required": False, "min_value": 0, "max_digits": 14, "decimal_places": 8}


class GrantForm(forms.Form):
    """What a rule is to approve."""

    tenant = forms.ModelChoiceField(queryset=Tenant.objects.none())
    tool = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"list": "suggestions"}))
    reason = forms.CharField(
        max_length=4000, widget=forms.Textarea(attrs={"rows": 2}), label="Why does nobody need to look?"
    )
    expires_at = forms.DateTimeField(
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        label=f"Ends (UTC), at most {DAYS_MAX} days away",
    )
    max_uses = forms.IntegerField(min_value=1, max_value=USES_MAX, label="For at most so many calls")
    max_usd = forms.DecimalField(**_USD, label="One call may move at most, in USD")
    max_total_usd = forms.DecimalField(**_USD, label="All its calls may move at most, in USD")
    job_type = forms.CharField(required=False, max_length=100, label="Only of this job type (empty: of every one)")
    arguments = JSONTextField(required=False, label="Arguments that must be exactly so (JSON object; empty: any)")

    def __init__(self, *args: Any, tenants: QuerySet[Tenant], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["tenant"].queryset = tenants  # type: ignore[attr-defined]  # of its kind of field
        self.fields["arguments"].widget.attrs["rows"] = 3
        self.suggestions = tools_for_rules()

    def clean_arguments(self) -> dict[str, Any]:
        """Take an object. Raises: ValidationError."""
        value = self.cleaned_data["arguments"]
        if value is not None and not isinstance(value, dict):
            raise forms.ValidationError("Give a JSON object, such as {}.")
        return value or {}


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
    page_template = "admin/runs/approvalrule/change_form.html"
    verb_permission = "runs.change_approvalrule"
    questions = {"revoke": REVOKE}
    empty_state = "No rules: a person decides about every call that asks for approval."
    hint = "A rule approves calls of low risk beforehand, within bounds. Each use is recorded as a decided action."
    form_verb = "grant"
    form_title = "Grant a rule"
    form_hint = "Calls of low risk within these bounds need no person. Each use is recorded; the rule can be revoked."
    form_permission = "runs.add_approvalrule"
    form_class = GrantForm

    @admin.display(description="state")
    def state(self, rule: ApprovalRule) -> SafeString:
        """Say whether it still approves anything."""
        return badge_html(_state_of(rule))

    @admin.display(description="one call", ordering="max_usd")
    def one_call(self, rule: ApprovalRule) -> str:
        """Show how much one call may move."""
        return "any amount" if rule.max_usd is None else f"up to {formatting.dollars(rule.max_usd)}"

    @admin.display(description="uses", ordering="uses")
    def used(self, rule: ApprovalRule) -> str:
        """Show how many calls it has approved, of how many."""
        return f"{rule.uses} of {rule.max_uses}"

    @admin.display(description="moved", ordering="used_usd")
    def moved(self, rule: ApprovalRule) -> str:
        """Show what its calls have moved, of how much."""
        most = f" of {formatting.dollars(rule.max_total_usd)}" if rule.max_total_usd is not None else ""
        return f"{formatting.dollars(rule.used_usd)}{most}"

    @admin.display(description="reason")
    def why(self, rule: ApprovalRule) -> SafeString:
        """Show the beginning of the reason."""
        return format_html('<span class="clip">{}</span>', rule.reason[:160])

    # Page and verbs

    def page_context(self, request: HttpRequest, record: ApprovalRule) -> dict[str, Any]:
        """The bounds, what was used of them, and for what."""
        return {
            "rule": record,
            "status": badge(_state_of(record)),
            "one_call": self.one_call(record),
            "used": self.used(record),
            "moved": self.moved(record),
            "arguments": formatting.pretty(record.arguments) if record.arguments else "",
            "uses": record.actions.select_related("run").order_by("-requested_at")[:USES_SHOWN],
        }

    def verbs(self) -> dict[str, Verb]:
        """Revoke."""
        return {"revoke": _revoke}

    def form_options(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the tenants in which the user decides."""
        return {"tenants": tenants_of(request, *DECIDERS)}

    def call_operation(self, request: HttpRequest, said: Mapping[str, Any]) -> str:
        """Grant the rule."""
        bounds = {name: value for name, value in said.items() if name != "tenant"}
        rule = grant_rule(ApprovalRule(**bounds), tenant=said["tenant"], user=operator_of(request))
        return f"Granted: {rule.tool}, at most {rule.max_uses} calls, until {formatting.minute(rule.expires_at)} UTC."


def _state_of(rule: ApprovalRule) -> str:
    if rule.revoked_at:
        return "revoked"
    if rule.expires_at <= clock.now():
        return "expired"
    return "used up" if rule.uses >= rule.max_uses else "holds"


def _revoke(request: HttpRequest, rule: ApprovalRule) -> str:
    revoked = revoke_rule(rule, user=operator_of(request))
    return f"Revoked by {revoked.revoked_by}: it approves nothing any more."
