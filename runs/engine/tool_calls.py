"""Working on the tool calls of one turn: validate, ask for approval, act, record.

Calls run one after the other. One that awaits a decision does not hold up the others; the next model call
waits for all.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from runs.conf import conf
from runs.declarations.job_types import Agent
from runs.declarations.tools import Tool
from runs.engine.classifier import classify
from runs.engine.context import ToolContext, context_for
from runs.engine.evidence import evidence_of
from runs.engine.journal import Journal, release_connection
from runs.engine.lease import CancelRequestedError, LeaseLostError, ReleaseRequestedError
from runs.engine.outcomes import Outcome, Retry, Waiting
from runs.engine.results import keep_result
from runs.engine.retry import next_try
from runs.errors import DeadlineError, InvalidInputError
from runs.fault_points import fault_point, intents_are_committed
from runs.hostile import cut
from runs.models import DECIDERS, PendingAction, Step, holds_role
from runs.models.fields import hash_of
from runs.states import ActionKind, ActionStatus, Effect, ErrorClass, StepStatus

log = logging.getLogger(__name__)


def call_tools(journal: Journal, agent: Agent, steps: Sequence[Step]) -> Outcome | None:
    """Work on each call that can go on now.

    Returns None when all calls of the turn are done, Waiting when a person must decide about some, Retry
    when one failed in passing.
    """
    waiting = False
    for step in steps:
        journal.lease.check_boundary()
        if step.status == StepStatus.UNKNOWN:
            waiting = True
            continue
        outcome = _work_on(journal, agent, step)
        if isinstance(outcome, Retry):
            return outcome
        waiting = waiting or outcome is not None
    return Waiting() if waiting else None


@dataclass(frozen=True, slots=True)
class _Call:
    """One call that may be made: the step, and what it calls with what."""

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
        call = _call_of(journal, agent, step, tool)
    except InvalidInputError as error:
        _answer_error(journal, step, "invalid_arguments", f"The arguments do not fit: {error}")
        return None
    return _make(journal, call, decision)


def _call_of(journal: Journal, agent: Agent, step: Step, tool: Tool) -> _Call:
    """Hold the arguments against the tool's schema. Raises: InvalidInputError."""
    arguments = tool.validate(step.arguments)
    context = context_for(
        journal.run,
        journal.lease,
        tool_use_id=step.tool_use_id,
        effect_key=journal.key(step),
        attempt=step.attempt + 1,
    )
    return _Call(agent, step, tool, context, arguments)


def _make(journal: Journal, call: _Call, decision: PendingAction | None) -> Outcome | None:
    """Make the call, unless a person must answer it or agree to it first."""
    if call.tool.asks_human:
        journal.open_action(call.step, ActionKind.QUESTION, reason=str(call.arguments["question"]))
        return Waiting()
    if _was_approved(decision) and not holds_role(decision.decided_by, journal.run.tenant_id, DECIDERS):
        _answer_error(journal, call.step, "permission_denied", "Whoever approved this call may no longer do so.")
        return None
    if not _may_be_made(journal, call, decision):
        return Waiting()
    return _act(journal, call)


def _ask_about_missing_tool(journal: Journal, step: Step) -> Outcome:
    """A deploy has removed the tool: a person decides, the run does not crash."""
    journal.open_action(
        step,
        ActionKind.APPROVAL,
        reason=f"This deploy no longer declares the tool {step.name!r}. Approve to try again once it is back, "
        "or reject to tell the model.",
    )
    return Waiting()


def _was_approved(decision: PendingAction | None) -> TypeGuard[PendingAction]:
    return bool(decision and decision.kind == ActionKind.APPROVAL and decision.status == ActionStatus.APPROVED)


def _may_be_made(journal: Journal, call: _Call, decision: PendingAction | None) -> bool:
    """Say whether the call may be made now; if not, a person is asked. Approval is bound to the arguments."""
    if decision and decision.kind == ActionKind.OUTCOME:
        return True  # the first call was allowed; a person decided to repeat it
    if _was_approved(decision):
        if decision.arguments_hash == hash_of(call.step.arguments):
            return True
        log.error("run %s step %s: arguments differ from those approved", journal.run.pk, call.step.seq)
    elif not call.tool.needs_approval(call.context, call.arguments):
        return True
    reason = f"{call.tool.name} needs approval ({call.tool.effect} effect)."
    journal.open_action(call.step, ActionKind.APPROVAL, reason=reason)
    return False


def _act(journal: Journal, call: _Call) -> Outcome | None:
    """Intent, effect, result."""
    lease, step = journal.lease, call.step
    journal.start(step, deadline_s=call.tool.timeout_s)
    if intents_are_committed():
        journal.commit_intent()
    fault_point("tool.before")
    lease.check()
    lease.begin_step(call.tool.timeout_s)
    release_connection()
    try:
        result = call.tool.function(call.context, **call.arguments)
    except (LeaseLostError, CancelRequestedError, ReleaseRequestedError, DeadlineError):
        raise  # raised inside `context.progress`: the engine's own, not the tool's
    except (Exception, SystemExit) as error:
        return _after_error(journal, call, error)
    finally:
        lease.end_step()
        release_connection()
    fault_point("tool.after")
    journal.complete(step, keep_result(journal, step, result))
    return None


def _after_error(journal: Journal, call: _Call, error: BaseException) -> Outcome | None:
    """Decide by error class and effect class: again later, a person, or an error result for the model."""
    step, kind = call.step, classify(error, call.agent.errors)
    message = cut(str(error) or type(error).__name__, conf().text_max_chars)
    lost = kind == ErrorClass.UNKNOWN_OUTCOME or (step.effect == Effect.UNSAFE and kind == ErrorClass.TRANSIENT)
    if lost:
        ask_for_outcome(journal, step, kind=type(error).__name__, message=message)
        return Waiting()
    retry = next_try(error, journal.run, call.agent)
    if retry:
        if step.effect == Effect.VERIFIABLE and kind == ErrorClass.TRANSIENT:
            journal.keep(step)  # it may have happened: it stays begun, and recovery asks its look-up first
        else:
            journal.put_back(step, kind=type(error).__name__, message=message)
        return retry
    _answer_error(journal, step, type(error).__name__, f"The tool failed: {message}")
    return None


def ask_for_outcome(journal: Journal, step: Step, *, kind: str, message: str) -> None:
    """An effect may or may not have happened: mark it unknown and ask a person."""
    evidence = evidence_of(journal, step)
    journal.mark_unknown(step, kind=kind, message=message)
    begun = f"{step.started_at:%Y-%m-%d %H:%M:%S} UTC" if step.started_at else "an unknown time"
    action = journal.open_action(
        step,
        ActionKind.OUTCOME,
        reason=f"{step.name} was begun at {begun} and its result was lost ({kind}: {message}). "
        f"Find out by the effect key {step.effect_key} whether it happened.",
    )
    action.evidence = evidence


def _answer_error(journal: Journal, step: Step, kind: str, message: str) -> None:
    """End the step with an error that the model sees; the turn goes on."""
    journal.fail(step, kind=kind, message=message, result={"text": message})
