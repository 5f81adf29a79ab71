"""The verbs of pending actions as the console offers them, and the one place that calls their operations."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms

from runs.admin.actions.forms import (
    AnswerForm,
    ApproveForm,
    AskForm,
    RaiseForm,
    RaisePeriodForm,
    ReassignForm,
    RejectForm,
    ReplyForm,
    ResolveForm,
)
from runs.admin.kit import formatting
from runs.admin.kit.forms import NoteForm
from runs.models import PendingAction
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.delegate import ask, escalate, reassign, reply
from runs.operations.actions.inbox import people_to_ask
from runs.operations.actions.raise_budget import raise_budget
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from runs.states import ActionKind, Risk


@dataclass(frozen=True, slots=True)
class Verb:
    """How a verb is offered, and what it calls."""

    form: type[forms.Form]
    button: str
    call: Callable[..., PendingAction]
    done: str
    hint: str = ""


def _approve(action: PendingAction, *, user: Any, note: str, seen: str, arguments: Any = None) -> PendingAction:
    if arguments is not None and _same(arguments, action.arguments):
        arguments = None  # as it stands: it need not be checked against the tool again
    return approve(action, user=user, arguments=arguments, note=note, seen=seen)


def _raise(action: PendingAction, *, user: Any, note: str, **amounts: Any) -> PendingAction:
    return raise_budget(action, user=user, arguments={name: f"{usd:f}" for name, usd in amounts.items()}, note=note)


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON: for Python 1, 1.0 and True are equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


DECIDING: dict[str, Verb] = {
    "approve": Verb(ApproveForm, "Approve", _approve, "Approved."),
    "raise": Verb(RaiseForm, "Raise", _raise, "Approved: there is room again."),
    "resolve": Verb(ResolveForm, "Resolve", resolve, "Resolved."),
    "answer": Verb(AnswerForm, "Answer", answer, "Answered."),
    "reject": Verb(RejectForm, "Reject", reject, "Rejected; the agent is told why."),
}
HANDING_ON: dict[str, Verb] = {
    "ask": Verb(AskForm, "Ask", ask, "Asked.", "Ask whoever posted the run. Nothing is decided; the time runs on."),
    "reply": Verb(ReplyForm, "Reply", reply, "Added.", "Reply, or add what deciders should know. They are told."),
    "reassign": Verb(
        ReassignForm, "Reassign", reassign, "Reassigned.", "Ask one person to decide; others still may."
    ),
    "escalate": Verb(
        NoteForm, "Escalate", escalate, "Escalated to the admins of the tenant.",
        "Leave it to the admins of the tenant: nobody else decides from then on.",
    ),
}  # fmt: skip
VERBS = DECIDING | HANDING_ON

_DECIDES = {
    ActionKind.APPROVAL: ("approve", "reject"),
    ActionKind.QUESTION: ("answer",),
    ActionKind.OUTCOME: ("resolve", "reject"),
    ActionKind.BUDGET: ("raise", "reject"),
}


def verbs_of(action: PendingAction) -> tuple[str, ...]:
    """List the verbs that decide an open action; a budget is approved by being raised."""
    return _DECIDES[ActionKind(action.kind)] if action.verbs else ()


def form_for(action: PendingAction, verb: str, data: Any = None, *, short: bool = False) -> forms.Form:
    """Build the form of a verb. A short one approves the arguments as they stand, without a field for them."""
    options: dict[str, Any] = {"people": people_to_ask(action)} if verb == "reassign" else {}
    auto_id = f"{verb}-{formatting.short(action.pk)}-%s"
    form_class = RaisePeriodForm if verb == "raise" and action.budget_period_id else VERBS[verb].form
    form = form_class(data, initial=_initial(action), auto_id=auto_id, **options)
    if verb == "approve":
        _fit_approve(form, action, short=short)
    if verb == "answer" and action.tool:
        del form.fields["end"]  # the model awaits the answer of its tool
    return form


def _fit_approve(form: forms.Form, action: PendingAction, *, short: bool) -> None:
    if short:
        del form.fields["arguments"]
    if action.risk == Risk.HIGH:
        form.fields["note"].label = "Why it may be made (needed: the risk is high)"


def _initial(action: PendingAction) -> dict[str, Any]:
    given = action.arguments if isinstance(action.arguments, dict) else {}
    indented = json.dumps(action.arguments, ensure_ascii=False, indent=2)
    amounts = {name: given.get(name) for name in ("max_cost_usd", "raise_usd")}
    return {"arguments": indented, "seen": action.bound_hash, **amounts}


def say(action: PendingAction, verb: str, form: forms.Form, user: Any) -> PendingAction:
    """Do what a valid form says. Raises: as the operation."""
    return VERBS[verb].call(action, user=user, **form.cleaned_data)
