"""The forms with which a person decides a pending action, and the one place that calls the operations."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse

from runs.admin import show
from runs.admin.palette import Badge, badge
from runs.errors import NotPermittedError
from runs.models import PendingAction
from runs.operations.decide_action import answer, approve, reject, resolve
from runs.operations.roles import check_may_decide
from runs.states import ActionKind

NOTE_MAX_CHARS = 4000
JSON_MAX_CHARS = 300_000


class JSONTextField(forms.CharField):
    """JSON in a text area. What was typed stays as it was typed when it is wrong; absent means None."""

    widget = forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"})

    def clean(self, value: Any) -> Any:
        """Read the text. Raises: ValidationError that says where the JSON breaks off."""
        if value is None:
            return None
        text = super().clean(value)
        try:
            return json.loads(text, parse_constant=_refuse_constant) if text else None
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"This is not JSON: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


class ApproveForm(forms.Form):
    """Approve with the arguments as proposed, or as edited here."""

    arguments = JSONTextField(max_length=JSON_MAX_CHARS, label="Arguments (JSON; edit to approve others)")
    note = forms.CharField(required=False, max_length=NOTE_MAX_CHARS, label="Note")


class BudgetForm(forms.Form):
    """Approve a new ceiling."""

    max_cost_usd = forms.DecimalField(
        min_value=0, max_digits=14, decimal_places=8, label="New ceiling of the run, in USD"
    )
    note = forms.CharField(required=False, max_length=NOTE_MAX_CHARS, label="Note")


class RejectForm(forms.Form):
    """Refuse, with the reason that the model is told."""

    note = forms.CharField(max_length=NOTE_MAX_CHARS, label="Reason (the agent is told)")


class ResolveForm(forms.Form):
    """Say whether a call happened."""

    outcome = forms.ChoiceField(
        choices=[
            ("happened", "It happened, with the result below"),
            ("did_not_happen", "It did not happen: run it again under the same effect key"),
        ],
        widget=forms.RadioSelect,
        label="Outcome",
    )
    result = JSONTextField(
        required=False, max_length=JSON_MAX_CHARS, label="Result (JSON), as the tool would have given it"
    )
    note = forms.CharField(required=False, max_length=NOTE_MAX_CHARS, label="Note")


class AnswerForm(forms.Form):
    """Answer a question."""

    text = forms.CharField(strip=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 4}), label="Answer")
    end = forms.BooleanField(required=False, label="Last word: complete the run without asking the model again")


@dataclass(frozen=True, slots=True)
class _Verb:
    """How a verb is offered, and what it calls."""

    form: type[forms.Form]
    button: str
    call: Callable[[PendingAction, Any, dict[str, Any]], PendingAction]


def _approve(action: PendingAction, user: Any, said: dict[str, Any]) -> PendingAction:
    if action.kind == ActionKind.BUDGET:
        arguments: Any = {"max_cost_usd": f"{said['max_cost_usd']:f}"}
    else:
        arguments = said["arguments"]
        if arguments is not None and _same(arguments, action.arguments):
            arguments = None  # as proposed: it need not be checked against the tool again
    return approve(action, user=user, arguments=arguments, note=said["note"])


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON: for Python 1, 1.0 and True are equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


VERBS: dict[str, _Verb] = {
    "approve": _Verb(ApproveForm, "Approve", _approve),
    "reject": _Verb(RejectForm, "Reject", lambda action, user, said: reject(action, user=user, **said)),
    "resolve": _Verb(ResolveForm, "Resolve", lambda action, user, said: resolve(action, user=user, **said)),
    "answer": _Verb(AnswerForm, "Answer", lambda action, user, said: answer(action, user=user, **said)),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One verb as it is offered on a page."""

    verb: str
    button: str
    href: str
    form: forms.Form


@dataclass(frozen=True, slots=True)
class DecisionCard:
    """A pending action as it is shown, with the verbs that fit."""

    action: PendingAction
    status: Badge
    arguments: str
    proposed: str
    evidence: list[tuple[str, str]]  # what is known about a call whose outcome is not: label, value
    choices: list[Choice]
    refusal: str  # why this user may not decide, if so
    back_to_run: bool


def form_for(action: PendingAction, verb: str, data: Any = None, *, short: bool = False) -> forms.Form:
    """Build the form of a verb. A short one approves the arguments as proposed, without a field for them."""
    form_class = VERBS[verb].form
    is_budget = verb == "approve" and action.kind == ActionKind.BUDGET
    if is_budget:
        form_class = BudgetForm
    form = form_class(data, initial=_initial(action), auto_id=f"{verb}-{show.short(action.pk)}-%s")
    if verb == "approve" and not is_budget and short:
        del form.fields["arguments"]
    if verb == "answer" and action.tool:
        del form.fields["end"]  # the model awaits the answer of its tool
    return form


def _initial(action: PendingAction) -> dict[str, Any]:
    given = action.arguments if isinstance(action.arguments, dict) else {}
    indented = json.dumps(action.arguments, ensure_ascii=False, indent=2)
    return {"arguments": indented, "max_cost_usd": given.get("max_cost_usd")}


def decide(action: PendingAction, verb: str, form: forms.Form, user: Any) -> PendingAction:
    """Decide with what a valid form says. Raises: as the operation."""
    said = {"arguments": None, **form.cleaned_data} if verb == "approve" else form.cleaned_data
    return VERBS[verb].call(action, user, said)


def card_of(
    action: PendingAction, user: Any, *, back_to_run: bool = False, bound: dict[str, forms.Form] | None = None
) -> DecisionCard:
    """Make an action ready to be shown; `bound` are forms whose input was wrong and is kept."""
    kept = bound or {}
    name = "admin:runs_pendingaction_{}"
    return DecisionCard(
        action=action,
        status=badge(action.status),
        arguments="" if action.arguments is None else show.pretty(action.arguments),
        proposed="" if action.proposed is None else show.pretty(action.proposed),
        evidence=_evidence(action),
        choices=[
            Choice(
                verb,
                VERBS[verb].button,
                reverse(name.format(verb), args=[action.pk]),
                kept.get(verb) or form_for(action, verb, short=back_to_run),
            )
            for verb in action.verbs
        ],
        refusal=_refusal(action, user),
        back_to_run=back_to_run,
    )


def _evidence(action: PendingAction) -> list[tuple[str, str]]:
    if not action.evidence:
        return []
    known = action.evidence
    return [
        ("Begun", _moment(known["begun_at"])),
        ("By worker", known["worker"] or "unknown"),
        ("Its last heartbeat", _moment(known["last_heartbeat_at"])),
        ("May still arrive until", _moment(known["may_arrive_until"])),
    ]


def _moment(text: str | None) -> str:
    return f"{show.moment(datetime.fromisoformat(text))} UTC" if text else "unknown"


def _refusal(action: PendingAction, user: Any) -> str:
    if not user.has_perm("runs.change_pendingaction"):
        return "You lack the permission to decide pending actions."
    try:
        check_may_decide(action, user)
    except NotPermittedError as error:
        return f"You may not decide this: {error}."
    return ""
