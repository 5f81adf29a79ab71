"""Approve a proposed call, as shown or edited; by one person, or by as many as the policy requires."""

from contextlib import suppress
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs import clock
from runs.declarations.catalog import job_type_named
from runs.declarations.job_types import Agent
from runs.declarations.tools import Tool
from runs.engine.approvals.binding import bind
from runs.engine.approvals.requirements import requirements_of
from runs.engine.approvals.validity import good_approvals
from runs.engine.permissions import check_tool
from runs.errors import ConflictError, InvalidInputError, InvalidTransitionError, ToolRevokedError, UnknownJobTypeError
from runs.models import Approval, PendingAction, Step
from runs.models.fields import dump_json, hash_of
from runs.models.moves import Event, transition
from runs.operations.actions.decide import Decision, decide, expect, go_on, is_open, lock
from runs.operations.actions.raise_budget import raise_budget
from runs.operations.client_values import fit_unchanged
from runs.operations.permissions import check_may_approve, check_may_decide
from runs.states import ActionKind, ActionStatus, Risk
from runs.storable import storable_note


def approve(
    action: PendingAction, *, user: AbstractBaseUser, arguments: Any = None, note: str = "", seen: str = ""
) -> PendingAction:
    """Allow a proposed call, with other arguments if given; or raise a budget as proposed, or as given.

    If several people must agree, the action stays open until they have. Editing the arguments voids earlier approvals.
    `seen` is the `bound_hash` of what the person saw: a call edited since then is not approved.

    Raises: InvalidInputError for arguments that do not fit the tool, or a call of high risk without a note;
    InvalidTransitionError for a kind that cannot be approved, one that has expired, or a tool that was revoked;
    ConflictError if it was decided otherwise, edited since it was seen, or tampered with; NotPermittedError.
    """
    expect(action, "approve", ActionKind.APPROVAL, ActionKind.BUDGET)
    if action.kind == ActionKind.BUDGET:
        return raise_budget(action, user=user, arguments=arguments, note=note)
    check_may_decide(action, user)
    edited = None if arguments is None else _edited(action, fit_unchanged("arguments", arguments))
    decision = Decision({"verb": "approve", "arguments": edited}, ActionStatus.APPROVED, note)
    with transaction.atomic():
        action = lock(action)
        if not is_open(action, decision):
            return action
        _check_call(action, seen)
        if edited is not None and dump_json(edited) != dump_json(action.arguments):
            _store_edit(action, edited)
        check_may_approve(action, user)
        if action.risk == Risk.HIGH and not note.strip():
            raise InvalidInputError({"note": ["the call is of high risk: say why it may be made"]})
        if not _agree(action, user, note):
            return action
        decided = decide(action, decision, user)
        go_on(decided, user)
    return decided


def has_agreed(action: PendingAction, user: AbstractBaseUser) -> bool:
    """Say whether this person has approved the call in its current form; an edit voids earlier approvals."""
    return action.approvals.filter(user_id=user.pk, bound_hash=action.bound_hash).exists()


def _check_call(action: PendingAction, seen: str) -> None:
    """Refuse a call that is not the one proposed and seen, or would not be made anyway.

    Raises: ConflictError; InvalidTransitionError.
    """
    if seen and seen != action.bound_hash:
        raise ConflictError("the call was edited since you have seen it: look at it again")
    if hash_of(action.arguments) != action.arguments_hash:
        raise ConflictError("the arguments that are shown are not the ones that were proposed: reject the call")
    try:
        check_tool(action.tool, action.run)
    except ToolRevokedError as error:
        raise InvalidTransitionError(f"{error}; reject the call, so that the agent can go on") from error


def _agree(action: PendingAction, user: AbstractBaseUser, note: str) -> bool:
    """Record one person's approval of the call in its current form; return whether enough have agreed.

    Nobody counts twice.
    """
    repeated = has_agreed(action, user)
    kept = {"bound_hash": action.bound_hash, "note": storable_note(note), "at": clock.now()}
    Approval.objects.update_or_create(action=action, user_id=user.pk, defaults=kept)
    requirements = requirements_of(action)
    needed = requirements.approvals
    if action.approvals_needed != needed:
        PendingAction.objects.filter(pk=action.pk).update(approvals_needed=needed)
        action.approvals_needed = needed
    given = len(good_approvals(action, action.run, requirements))
    if given < needed and not repeated:
        data = {"action": str(action.pk), "step": action.step.seq, "given": given, "needed": needed}
        transition(action.run, events=[Event("action.agreed", data, actor=user.get_username())])
    return given >= needed


def _edited(action: PendingAction, arguments: Any) -> dict[str, Any]:
    """Validate edited arguments against the tool's schema. Raises: InvalidInputError."""
    tool = _tool(action)
    try:
        tool.validate(arguments)
    except InvalidInputError as error:
        raise InvalidInputError({f"arguments.{k}" if k else "arguments": v for k, v in error.errors.items()}) from error
    return dict(arguments)


def _tool(action: PendingAction) -> Tool:
    """Find the tool of an action. Raises: InvalidInputError if this deploy does not declare it."""
    with suppress(UnknownJobTypeError):
        agent = job_type_named(action.run.job_type)
        if isinstance(agent, Agent) and action.tool in agent.tools_by_name:
            return agent.tools_by_name[action.tool]
    raise InvalidInputError({"arguments": ["the tool is not declared here, so they cannot be checked"]})


def _store_edit(action: PendingAction, edited: dict[str, Any]) -> None:
    """Bind the action to the edited arguments, and keep the agent's original proposal."""
    call = bind(_tool(action), edited)
    if action.proposed is None:
        action.proposed = action.arguments
    action.arguments, action.arguments_hash = edited, hash_of(edited)
    action.bound_hash, action.risk, action.amount_usd = call.bound_hash, call.risk, call.amount_usd
    action.save(update_fields=["proposed", "arguments", "arguments_hash", "bound_hash", "risk", "amount_usd"])
    Step.objects.filter(pk=action.step_id).update(arguments=edited, arguments_hash=action.arguments_hash)
