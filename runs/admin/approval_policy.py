"""Approval policies: who may decide about which calls. Admins write their tenant's, superusers those of all."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from runs.admin.actions.words import BECOMES, who_decides
from runs.admin.kit import formatting
from runs.admin.kit.forms import OwnTenantsAdmin
from runs.admin.kit.lists import Column, column, moment_column
from runs.admin.kit.tenants import TenantFilter
from runs.engine.approvals.requirements import default_requirements, requirements_from
from runs.models import APPROVALS_MAX, POLICY_TIME_MAX_S, ApprovalPolicy
from runs.states import OnExpiry, SelfApproval

_LABELS = {
    "from_usd": "From USD",
    "role": "Who decides",
    "approvals": "People who must agree",
    "self_approval": "Own runs",
    "expires_s": "Time to decide, in seconds",
    "on_expiry": "If nobody decides",
    "remind_every_s": "Between reminders, in seconds",
}
_LEAST_S = {"expires_s": 1, "remind_every_s": 60}  # nobody is to be mailed every second
_TIMES = f"Give {{least}} to {POLICY_TIME_MAX_S} seconds (a year), or nothing for the setting's."
_CHOICES: dict[str, Mapping[Any, str]] = {
    "self_approval": {
        SelfApproval.NEVER: "never approved by the person who asked for the run",
        SelfApproval.ALWAYS: "may be approved by the person who asked for the run",
    },
    "on_expiry": BECOMES,
}


class PolicyForm(forms.ModelForm[ApprovalPolicy]):
    """Terms, with each problem said at its field."""

    approvals = forms.IntegerField(
        min_value=1,
        max_value=APPROVALS_MAX,
        initial=1,
        label=_LABELS["approvals"],
        help_text=f"2 is four eyes; at most {APPROVALS_MAX}.",
    )
    from_usd = forms.DecimalField(
        min_value=0,
        max_digits=14,
        decimal_places=8,
        initial=0,
        label=_LABELS["from_usd"],
        help_text="For calls that move this amount or more.",
    )

    class Meta:
        model = ApprovalPolicy
        fields = (
            "tenant", "tool", "risk", "from_usd", "role", "approvals", "self_approval", "expires_s", "on_expiry",
            "remind_every_s", "note",
        )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["from_usd"] = f"{self.instance.from_usd.normalize():f}"  # not 0E-8
        for name, words in _CHOICES.items():
            if name in self.fields:
                self.fields[name].choices = [(value.value, text) for value, text in words.items()]  # type: ignore[attr-defined]  # of its kind of field

    def clean(self) -> dict[str, Any]:
        """Refuse a second policy for the same calls, and times that are none."""
        said: dict[str, Any] = super().clean() or {}
        for name, least in _LEAST_S.items():
            if said.get(name) is not None and not least <= said[name] <= POLICY_TIME_MAX_S:
                self.add_error(name, _TIMES.format(least=least))
        if not self.errors and self._same_calls(said).exists():
            self.add_error(
                "tool",
                "There is a policy for exactly these calls already (tenant, tool, risk, amount): change that one.",
            )
        return said

    def _same_calls(self, said: dict[str, Any]) -> Any:
        names = ("tenant", "tool", "risk", "from_usd")
        return ApprovalPolicy.objects.filter(**{name: said[name] for name in names}).exclude(pk=self.instance.pk)


@admin.register(ApprovalPolicy)
class ApprovalPolicyAdmin(OwnTenantsAdmin[ApprovalPolicy]):
    """Write policies; they hold from the next decision on."""

    general_rows = True
    form = PolicyForm
    labels = _LABELS
    list_display = ("calls", "who", "time_to_decide", "then", "updated_by", moment_column("updated_at", "updated"))
    list_filter = (("tenant", TenantFilter), "risk")
    list_select_related = ("tenant", "updated_by")
    search_fields = ("tool",)
    hint = (
        "Of the policies that fit a call the most exact one holds, also for what is open already: "
        "first the tenant's own, then by tool, by risk, by the higher amount."
    )

    calls = Column("which calls", str, ordering="tool")
    who = Column("who decides", lambda policy: who_decides(requirements_from(policy)))
    time_to_decide = Column(
        "time to decide", lambda policy: formatting.seconds(requirements_from(policy).expires_s), ordering="expires_s"
    )
    then = column("on_expiry", "if nobody does", lambda on_expiry: BECOMES[OnExpiry(on_expiry)])

    def list_texts(self, request: HttpRequest) -> dict[str, str]:
        """Say of an empty list what holds without any policy."""
        requirements = default_requirements()
        who, then = who_decides(requirements), BECOMES[requirements.on_expiry]
        time = formatting.seconds(requirements.expires_s)
        empty = (
            f"No policies. For every call that asks for approval holds: {who}. After {time} without a decision {then}."
        )
        return super().list_texts(request) | {"empty_state": empty}

    def save_model(self, request: HttpRequest, obj: ApprovalPolicy, form: Any, change: bool) -> None:
        """Keep who has written it last."""
        obj.updated_by_id = request.user.pk
        super().save_model(request, obj, form, change)
