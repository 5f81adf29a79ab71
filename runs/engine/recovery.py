"""Recover steps that a former holder had begun. The effect class decides how."""

from collections.abc import Callable
from functools import partial

from runs.declarations.job_types import Agent
from runs.engine.batch_result import take_result
from runs.engine.context import context_for
from runs.engine.journal import Journal
from runs.engine.model_call import presume_spent
from runs.engine.perform import run_code
from runs.engine.results import keep_result
from runs.engine.unknown_outcome import ask_for_outcome, how_it_was_lost
from runs.fault_points import fault_point
from runs.models import Step
from runs.states import Effect, StepKind, StepStatus
from runs.user_code.call import value_of


def recover(journal: Journal, agent: Agent) -> None:
    """Settle every step that was begun and has no recorded end. Idempotent.

    Raises: as `take_result`.
    """
    for step in list(journal.steps):  # recording a result plans further steps
        if step.status == StepStatus.STARTED:
            fault_point("recover.before")
            if step.kind == StepKind.MODEL_CALL and take_result(journal, step):
                continue
            if step.kind == StepKind.MODEL_CALL:
                presume_spent(journal, step)
                journal.reset_to_planned(step, **how_it_was_lost(step))
            else:
                recover_effect(journal, step, look_up=partial(_found, journal, agent, step))


def recover_effect(journal: Journal, step: Step, *, look_up: Callable[[], bool] | None = None) -> None:
    """Decide by its effect class how to go on with a begun effect. `look_up` finds out whether it happened.

    If it did, `look_up` records the result. Without `look_up`, only a person can tell.
    """
    lost = how_it_was_lost(step)
    match step.effect:
        case Effect.READ | Effect.IDEMPOTENT:
            journal.reset_to_planned(step, **lost)
        case Effect.VERIFIABLE if look_up and look_up():
            pass
        case Effect.VERIFIABLE if look_up:
            message = f"{lost['message']}; its look-up found no effect"
            journal.reset_to_planned(step, kind=lost["kind"], message=message)
        case _:
            ask_for_outcome(journal, step, **lost)


def _found(journal: Journal, agent: Agent, step: Step) -> bool:
    """Ask the tool's look-up whether the effect happened; if so, record its result as the step's."""
    tool = agent.tools_by_name.get(step.name)
    if tool is None or tool.verify is None:
        return False
    context = context_for(
        journal.run,
        journal.lease,
        tool,
        tool_use_id=step.tool_use_id,
        effect_key=step.effect_key,
        attempt=step.attempt,
    )
    verify, arguments = tool.verify, tool.validate(step.arguments)
    ended = run_code(journal.lease, lambda: verify(context, arguments), timeout_s=tool.timeout_s)
    result = value_of(ended, of=f"`verify` of the tool {tool.name!r}")
    if result is None:
        return False
    journal.complete(step, keep_result(journal, step, result))
    return True
