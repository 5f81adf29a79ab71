"""Work on the tool calls of one turn: validate, ask for approval, act, record.

Calls run one after another. A call that awaits a decision does not block the others; the next model call waits for
all of them.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runs.declarations.job_types import Agent
from runs.declarations.tools import Tool
from runs.engine.approvals.binding import bind
from runs.engine.approvals.validity import ApprovalValidity, Revoked, Stale, Valid, validity_of
from runs.engine.asking import approve_by_rule, ask, ask_for_approval
from runs.engine.classifier import classify
from runs.engine.context import ToolContext, context_for
from runs.engine.journal import Journal
from runs.engine.outcomes import Discarded, Later, Outcome, Retry, Waiting
from runs.engine.perform import perform, run_code, words_for
from runs.engine.permissions import check_roles
from runs.engine.results import keep_result
from runs.engine.retry import next_try
from runs.engine.tool_limits import AGAIN_S, place_for
from runs.engine.unknown_outcome import leave_in_doubt, may_have_happened
from runs.errors import InvalidInputError, RunsError, ToolBusyError, ToolRevokedError, ToolRoleError
from runs.models import PendingAction, Step
from runs.states import ActionKind, ActionStatus, Effect, ErrorClass, StepStatus
from runs.user_code.call import Raised, value_of

log = logging.getLogger(__name__)


def call_tools(journal: Journal, agent: Agent, steps: Sequence[Step]) -> Outcome | None:
    """Work on each call that can proceed now.

    Returns None when all calls of the turn are done, Waiting when a person must decide about some, Later when a tool
    has no free slot, Retry after a transient error, Discarded when a call has found the work pointless.
    """
    waiting, later = False, None
    for step in steps:
        journal.lease.check_boundary()
        if step.status == StepStatus.UNKNOWN:
            waiting = True
            continue
        outcome = _work_on(journal, agent, step)
        if isinstance(outcome, Retry | Discarded):
            return outcome
        if isinstance(outcome, Later):
            later = outcome
        else:
            waiting = waiting or outcome is not None
    return later or (Waiting() if waiting else None)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call that may be made: the step, the tool and its arguments."""

    agent: Agent
    step: Step
    tool: Tool
    context: ToolContext
    arguments: dict[str, Any]


def _work_on(journal: Journal, agent: Agent, step: Step) -> Outcome | None:
    """Take one planned call as far as it can go."""
    decision = journal.decision_on(step)
    if decision and decision.status == ActionStatus.OPEN:
        return Waiting()
    assert journal.run.definition is not None
    if step.name not in journal.run.definition.tool_names:
        known = ", ".join(journal.run.definition.tool_names) or "none"
        _answer_error(journal, step, "unknown_tool", f"There is no tool {step.name!r}. Tools: {known}.")
        return None
    tool = agent.tools_by_name.get(step.name)
    if tool is None:
        return _ask_about_missing_tool(journal, step)
    step.effect = tool.effect
    journal.keep(step)
    try:
        check_roles(tool, journal.run)  # first: do not ask for approval of a call that would be refused
        call = _call_of(journal, agent, step, tool)
    except ToolRoleError as error:
        _refuse(journal, step, error)
        return None
    except InvalidInputError as error:
        _answer_error(journal, step, "invalid_arguments", f"The arguments do not fit: {error}")
        return None
    return _make(journal, call, decision)


def _call_of(journal: Journal, agent: Agent, step: Step, tool: Tool) -> _Call:
    """Check the arguments against the tool's schema. Raises: InvalidInputError."""
    arguments = tool.validate(step.arguments)
    context = context_for(
        journal.run,
        journal.lease,
        tool,
        tool_use_id=step.tool_use_id,
        effect_key=journal.key(step),
        attempt=step.attempt + 1,
    )
    return _Call(agent, step, tool, context, arguments)


def _make(journal: Journal, call: _Call, decision: PendingAction | None) -> Outcome | None:
    """Make the call, unless a person must answer or approve it first."""
    if call.tool.asks_human:
        ask(journal, call.step, ActionKind.QUESTION, reason=str(call.arguments["question"]))
        return Waiting()
    match _leave_for(journal, call, decision):
        case Revoked(why):
            log.warning("run %s step %s: not called: %s", journal.run.pk, call.step.seq, why)
            _answer_error(journal, call.step, "permission_denied", f"The call was not made: {why}.")
            return None
        case Stale(why):
            reason = f"{call.tool.name} needs approval ({why})."
            ask_for_approval(
                journal, call.step, bind(call.tool, call.step.arguments, check=journal.lease.check), reason=reason
            )
            return Waiting()
        case Valid():
            return _act(journal, call)


def _leave_for(journal: Journal, call: _Call, decision: PendingAction | None) -> ApprovalValidity:
    """Find out whether the call may be made: it needs no approval, or its approval is still valid."""
    if decision and decision.kind == ActionKind.OUTCOME:  # repeating still needs a valid approval
        decision = call.step.actions.filter(kind=ActionKind.APPROVAL).order_by("requested_at").last()
    if not _needs_approval(journal, call):
        return Valid()
    present = bind(call.tool, call.step.arguments, check=journal.lease.check)
    if decision and decision.kind == ActionKind.APPROVAL and decision.status == ActionStatus.APPROVED:
        return validity_of(decision, journal.run, present)
    if approve_by_rule(journal, call.step, present):
        return Valid()
    return Stale(f"{call.tool.effect} effect")


def _needs_approval(journal: Journal, call: _Call) -> bool:
    tool, lease = call.tool, journal.lease
    if not callable(tool.approval):
        return tool.needs_approval(call.context, call.arguments)
    ended = run_code(
        lease,
        lambda: tool.needs_approval(call.context, call.arguments, lease.check_step),
        timeout_s=tool.timeout_s,
    )
    return bool(value_of(ended, of=f"`approval` of the tool {tool.name!r}"))


def _ask_about_missing_tool(journal: Journal, step: Step) -> Outcome:
    """Ask a person about a tool that a deploy has removed, instead of failing the run."""
    ask(
        journal,
        step,
        ActionKind.APPROVAL,
        reason=f"This deploy no longer declares the tool {step.name!r}. Approve to try again once it is back, "
        "or reject to tell the model.",
    )
    return Waiting()


def _act(journal: Journal, call: _Call) -> Outcome | None:
    """Make the call, and record its result."""
    step, tool = call.step, call.tool
    try:
        ended = perform(
            journal,
            step,
            lambda: tool.function(call.context, **call.arguments),
            timeout_s=tool.timeout_s,
            tool=tool,
            place=place_for(step.name, journal.run),
        )
    except (ToolRevokedError, ToolRoleError) as error:
        _refuse(journal, step, error)
        return None
    except ToolBusyError as error:
        journal.take_back_intents()
        return Later(str(error), AGAIN_S)
    if isinstance(ended, Raised):
        return _after_error(journal, call, ended)
    journal.complete(step, keep_result(journal, step, ended.value))
    return None


def _after_error(journal: Journal, call: _Call, raised: Raised) -> Outcome | None:
    """Decide by error class and effect class: retry later, ask a person, or give the model an error result."""
    step, error, kind = call.step, raised.error, classify(raised.error, call.agent.errors)
    named = words_for(error)
    if kind == ErrorClass.DISCARD:
        journal.fail(step, **named)
        return Discarded(error)
    retry = next_try(error, journal.run, call.agent)
    if may_have_happened(step, error, kind):
        if leave_in_doubt(journal, step, may_repeat=retry is not None and step.effect != Effect.UNSAFE, **named):
            return Waiting()
        return retry
    if retry:
        journal.reset_to_planned(step, **named)
        return retry
    _answer_error(journal, step, named["kind"], f"The tool failed: {named['message']}")
    return None


def _refuse(journal: Journal, step: Step, error: RunsError) -> None:
    """Refuse a tool that this run may not call, and tell the model why."""
    _answer_error(journal, step, error.code, f"The call was not made: {error}.")


def _answer_error(journal: Journal, step: Step, kind: str, message: str) -> None:
    """End the step with an error that the model sees; the turn goes on."""
    journal.fail(step, kind=kind, message=message, result={"text": message})
