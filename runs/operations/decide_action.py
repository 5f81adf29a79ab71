"""Deciding a pending action: approve, reject, resolve, answer. Each is decided once, by one UPDATE.

Decision, step, run and event are written in one transaction, under the lock of the run's row.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from runs import clock
from runs.clock import Now
from runs.conf import conf
from runs.declarations.catalog import job_type_named
from runs.declarations.job_types import Agent
from runs.declarations.tools import Tool
from runs.engine.evidence import may_arrive_until
from runs.errors import ConflictError, InvalidInputError, InvalidTransitionError, UnknownJobTypeError
from runs.fault_points import fault_point
from runs.hostile import clean, clean_text, cut
from runs.models import PendingAction, Run, Step
from runs.models.fields import dump_json, hash_of
from runs.models.moves import Event, change
from runs.operations.roles import check_may_decide
from runs.queue.doorbell import ring
from runs.secrets import redact_all
from runs.states import ActionKind, ActionStatus, RunStatus, StepStatus

_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,8})?")


@dataclass(frozen=True, slots=True)
class _Verdict:
    """One decision: the verb as it was said, and what it makes of the action."""

    verb: dict[str, Any]
    status: ActionStatus
    note: str = ""


def approve(action: PendingAction, *, user: AbstractBaseUser, arguments: Any = None, note: str = "") -> PendingAction:
    """Allow a proposed call, with other arguments if given; or raise a budget.

    Raises: InvalidInputError for arguments that do not fit the tool; InvalidTransitionError for a kind that
    cannot be approved; ConflictError if it was decided otherwise; NotPermittedError.
    """
    _expect(action, "approve", ActionKind.APPROVAL, ActionKind.BUDGET)
    edited = None if arguments is None else _edited(action, clean(arguments))
    verdict = _Verdict({"verb": "approve", "arguments": edited}, ActionStatus.APPROVED, note)
    with transaction.atomic():
        run, action, is_new = _decide(action, verdict, user)
        if not is_new:
            return action
        if edited is not None and edited != action.arguments:
            _store_edit(action, edited)
        if action.kind == ActionKind.BUDGET:
            _go_on(run, action, user, max_cost_usd=Decimal(action.arguments["max_cost_usd"]))
        else:
            _go_on(run, action, user)
    return action


def reject(action: PendingAction, *, user: AbstractBaseUser, note: str) -> PendingAction:
    """Refuse: the model is told why, and the run goes on; a refused budget fails the run.

    Raises: as `approve`.
    """
    _expect(action, "reject", ActionKind.APPROVAL, ActionKind.BUDGET, ActionKind.OUTCOME)
    if not note.strip():
        raise InvalidInputError({"note": ["say why: the model is told"]})
    verdict = _Verdict({"verb": "reject"}, ActionStatus.REJECTED, clean_text(note))
    with transaction.atomic():
        run, action, is_new = _decide(action, verdict, user)
        if is_new:
            if action.kind != ActionKind.BUDGET:
                _end_step(action, StepStatus.SKIPPED, f"Refused by a person: {note.strip()}", error="rejected")
            _go_on(run, action, user)
    return action


def resolve(
    action: PendingAction, *, user: AbstractBaseUser, outcome: str, result: Any = None, note: str = ""
) -> PendingAction:
    """Say whether an effect happened: `happened`, with its result, or `did_not_happen`, and it runs again.

    Raises: as `approve`; InvalidTransitionError while the first call may still arrive.
    """
    _expect(action, "resolve", ActionKind.OUTCOME)
    if outcome not in ("happened", "did_not_happen"):
        raise InvalidInputError({"outcome": ["must be `happened` or `did_not_happen`"]})
    if outcome == "did_not_happen" and action.status == ActionStatus.OPEN:
        _refuse_while_it_may_arrive(action.step)
    verdict = _Verdict({"verb": "resolve", "outcome": outcome, "result": clean(result)}, ActionStatus.RESOLVED, note)
    with transaction.atomic():
        run, action, is_new = _decide(action, verdict, user)
        if is_new:
            if outcome == "happened":
                _store_outcome(action.step, clean(result))
            else:
                Step.objects.filter(pk=action.step_id).update(status=StepStatus.PLANNED)
            _go_on(run, action, user)
    return action


def answer(action: PendingAction, *, user: AbstractBaseUser, text: str, end: bool = False) -> PendingAction:
    """Answer a question. With `end` it is a last word: the run completes without asking the model again.

    Raises: as `approve`.
    """
    _expect(action, "answer", ActionKind.QUESTION)
    if end and action.tool:
        raise InvalidInputError({"end": ["the question was asked by a tool, whose answer the model awaits"]})
    text = clean_text(text)
    verdict = _Verdict({"verb": "answer", "text": text, "end": end}, ActionStatus.ANSWERED)
    with transaction.atomic():
        run, action, is_new = _decide(action, verdict, user)
        if is_new:
            _complete_step(action.step, {"text": text} | ({"end": True} if end else {}))
            _go_on(run, action, user)
    return action


# What the verbs share


def _expect(action: PendingAction, verb: str, *kinds: ActionKind) -> None:
    if action.kind not in kinds:
        raise InvalidTransitionError(f"{verb} does not fit an action of kind {action.kind}: {_hint(action)}")


def _hint(action: PendingAction) -> str:
    return f"its verbs are {', '.join(action.verbs)}" if action.verbs else f"it is {action.status}"


def _decide(action: PendingAction, verdict: _Verdict, user: AbstractBaseUser) -> tuple[Run, PendingAction, bool]:
    """Decide the action if it is open; recognise a repetition of the same decision.

    Returns the locked run, the action as it is now, and whether this call decided it.
    Raises: ConflictError naming who was faster; InvalidTransitionError if it expired; NotPermittedError.
    """
    check_may_decide(action, user)
    run = Run.objects.select_for_update().get(pk=action.run_id)
    unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
    decided = PendingAction.objects.filter(unexpired, pk=action.pk, status=ActionStatus.OPEN).update(
        status=verdict.status,
        decided_at=clock.now(),
        decided_by=user,
        decision=verdict.verb,
        note=redact_all(cut(verdict.note, 4000)),
    )
    action = PendingAction.objects.select_related("step", "decided_by").get(pk=action.pk)
    if decided:
        return run, action, True
    if action.status == ActionStatus.OPEN:
        raise InvalidTransitionError("the action has expired")
    if action.decision == verdict.verb:
        return run, action, False
    by = f" by {action.decided_by}" if action.decided_by else ""
    raise ConflictError(f"the action was already {action.status}{by}")


def _go_on(run: Run, action: PendingAction, user: AbstractBaseUser, **columns: Any) -> None:
    """Tell the decision, and queue the run if it is asleep; a running one sees it by itself."""
    actor = user.get_username()
    events = [Event(f"action.{action.status}", {"action": str(action.pk), "step": action.step.seq}, actor=actor)]
    if run.state == RunStatus.WAITING_FOR_CONFIRMATION:
        change(run, to=RunStatus.QUEUED, events=[*events, Event("run.queued", actor=actor)], **columns)
        ring([run.queue])
    else:
        change(run, events=events, **columns)
    fault_point("decide.before")


def _edited(action: PendingAction, arguments: Any) -> dict[str, Any]:
    """Hold edited arguments against what the action accepts. Raises: InvalidInputError."""
    if action.kind == ActionKind.BUDGET:
        return _budget(arguments)
    tool = _tool(action)
    if tool is None:
        raise InvalidInputError({"arguments": ["the tool is not declared here, so they cannot be checked"]})
    try:
        tool.validate(arguments)
    except InvalidInputError as error:
        raise InvalidInputError({f"arguments.{k}" if k else "arguments": v for k, v in error.errors.items()}) from error
    return dict(arguments)


def _budget(arguments: dict[str, Any]) -> dict[str, Any]:
    """Read a new ceiling. Raises: InvalidInputError unless it is a plain amount that the column holds."""
    text = str(arguments.get("max_cost_usd", ""))
    if not _AMOUNT.fullmatch(text) or Decimal(text) == 0:
        raise InvalidInputError(
            {
                "arguments.max_cost_usd": [
                    "give USD above 0 as a plain decimal, at most 6 digits before the point and 8 after"
                ]
            }
        )
    return {"max_cost_usd": text}


def _tool(action: PendingAction) -> Tool | None:
    try:
        agent = job_type_named(action.run.job_type)
    except UnknownJobTypeError:
        return None
    return agent.tools_by_name.get(action.tool) if isinstance(agent, Agent) else None


def _store_edit(action: PendingAction, edited: dict[str, Any]) -> None:
    """Bind the approval to the edited arguments, and keep what was proposed."""
    action.proposed, action.arguments, action.arguments_hash = action.arguments, edited, hash_of(edited)
    action.save(update_fields=["proposed", "arguments", "arguments_hash"])
    if action.kind == ActionKind.APPROVAL:
        Step.objects.filter(pk=action.step_id).update(arguments=edited, arguments_hash=action.arguments_hash)


def _refuse_while_it_may_arrive(step: Step) -> None:
    """The first call may still be under way until its deadline and a grace have passed."""
    safe_at = may_arrive_until(step)
    if safe_at and clock.now() < safe_at:
        raise InvalidTransitionError(
            f"the first call may still arrive until {safe_at:%Y-%m-%d %H:%M:%S} UTC; then say so again"
        )


def _store_outcome(step: Step, result: Any) -> None:
    if step.tool_use_id:
        text = result if isinstance(result, str) else dump_json(result)
        _complete_step(step, {"text": cut(clean_text(text), conf().text_max_chars)})
    else:
        _complete_step(step, {"value": result})


def _complete_step(step: Step, result: dict[str, Any]) -> None:
    result = redact_all(result)
    Step.objects.filter(pk=step.pk).update(
        status=StepStatus.COMPLETED, result=result, result_hash=hash_of(result), error=None, finished_at=Now()
    )


def _end_step(action: PendingAction, status: StepStatus, message: str, *, error: str) -> None:
    Step.objects.filter(pk=action.step_id).update(
        status=status,
        result=redact_all({"text": message}),
        error=redact_all({"type": error, "message": message}),
        finished_at=Now(),
    )
