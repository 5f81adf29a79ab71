"""The verbs of pending actions as the console offers them: their forms, and the operations that they call."""

import json
from typing import Any

from django import forms

from runs.admin.actions import forms as action_forms
from runs.admin.kit import formatting
from runs.admin.kit.forms import NoteForm
from runs.admin.kit.verbs import FormVerb
from runs.models import PendingAction
from runs.operations.actions.answer import answer
from runs.operations.actions.approve import approve
from runs.operations.actions.delegate import ask, escalate, reassign, reply
from runs.operations.actions.inbox import people_to_ask
from runs.operations.actions.raise_budget import raise_budget
from runs.operations.actions.reject import reject
from runs.operations.actions.resolve import resolve
from runs.states import ActionKind, Risk


def _approve(action: PendingAction, *, user: Any, note: str, seen: str, arguments: Any = None) -> PendingAction:
    if arguments is not None and _same(arguments, action.arguments):
        arguments = None  # as it stands: it need not be checked against the tool again
    return approve(action, user=user, arguments=arguments, note=note, seen=seen)


def _raise(action: PendingAction, *, user: Any, note: str, **amounts: Any) -> PendingAction:
    return raise_budget(action, user=user, arguments={name: f"{usd:f}" for name, usd in amounts.items()}, note=note)


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON: for Python 1, 1.0 and True are equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


DECIDING: dict[str, FormVerb] = {
    "approve": FormVerb(action_forms.ApproveForm, _approve, "Approve", "Approved."),
    "raise": FormVerb(action_forms.RaiseForm, _raise, "Raise", "Approved: there is room again."),
    "resolve": FormVerb(action_forms.ResolveForm, resolve, "Resolve", "Resolved."),
    "answer": FormVerb(action_forms.AnswerForm, answer, "Answer", "Answered."),
    "reject": FormVerb(action_forms.RejectForm, reject, "Reject", "Rejected; the agent reads the reason."),
}
HANDING_ON: dict[str, FormVerb] = {
    "ask": FormVerb(
        action_forms.AskForm, ask, "Ask", "Asked.",
        "Ask the person who posted the run. Nothing is decided; the time runs on.",
    ),
    "reply": FormVerb(
        action_forms.ReplyForm, reply, "Reply", "Added.", "Reply, or add what deciders should know. They are notified."
    ),
    "reassign": FormVerb(
        action_forms.ReassignForm, reassign, "Reassign", "Reassigned.", "Ask one person to decide; others still may."
    ),
    "escalate": FormVerb(
        NoteForm, escalate, "Escalate", "Escalated to the admins of the tenant.",
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
    form_class = action_forms.RaisePeriodForm if verb == "raise" and action.budget_period_id else VERBS[verb].form
    form = form_class(data, initial=_initial(action), auto_id=auto_id, **options)
    if verb == "approve" and short:
        del form.fields["arguments"]
    if verb == "approve" and action.risk == Risk.HIGH:
        form.fields["note"].label = "Why it may be made (needed: the risk is high)"
    if verb == "answer" and action.tool:
        del form.fields["end"]  # the model awaits the answer of its tool
    return form


def _initial(action: PendingAction) -> dict[str, Any]:
    given = action.arguments if isinstance(action.arguments, dict) else {}
    indented = json.dumps(action.arguments, ensure_ascii=False, indent=2)
    amounts = {name: given.get(name) for name in ("max_cost_usd", "raise_usd")}
    return {"arguments": indented, "seen": action.bound_hash, **amounts}
