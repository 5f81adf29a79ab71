"""The agent loop: derive the next move from the recorded steps, do it, and repeat until nothing is missing."""

import json
from typing import Any

from runs.declarations.job_types import Agent
from runs.engine.asking import ask
from runs.engine.journal import Journal
from runs.engine.model_call import ask_model
from runs.engine.offered_tools import snapshot
from runs.engine.outcomes import Completed, Outcome, Waiting
from runs.engine.recovery import recover
from runs.engine.results import check_output
from runs.engine.tool_calls import call_tools
from runs.engine.turn import AskModel, AskPerson, AwaitPerson, CallTools, Finish, NextMove, next_move
from runs.errors import OutputInvalidError
from runs.states import ActionKind, StepKind


def advance_agent(journal: Journal, agent: Agent) -> Outcome:
    """Continue an agent's run until it ends or waits.

    Raises: what a step raises; `advance` turns errors into outcomes.
    """
    if journal.run.definition is None:
        journal.set(definition=snapshot(agent, journal.run))
    recover(journal, agent)
    while True:
        journal.lease.check_boundary()
        outcome = _do(journal, agent, next_move(journal.steps, converses=agent.converses))
        if outcome:
            return outcome


def _do(journal: Journal, agent: Agent, move: NextMove) -> Outcome | None:
    """Do the next move; return None if the run may continue at once."""
    match move:
        case AskModel(step):
            return ask_model(journal, agent, step)
        case CallTools(steps):
            return call_tools(journal, agent, steps)
        case AskPerson(text):
            return _ask_person(journal, text)
        case AwaitPerson():
            return Waiting()
        case Finish(text):
            return _finish(journal, agent, text)


def _ask_person(journal: Journal, text: str) -> Outcome:
    step = journal.plan(StepKind.WAIT, "message")
    ask(journal, step, ActionKind.QUESTION, reason=text)
    return Waiting()


def _finish(journal: Journal, agent: Agent, text: str) -> Outcome:
    """Complete the run with its output. If the answer is not a valid output, fail its step so that a retry asks again.

    Raises: as `_output`.
    """
    try:
        return Completed(_output(agent, text))
    except OutputInvalidError as error:
        answer = next(step for step in reversed(journal.steps) if step.kind == StepKind.MODEL_CALL)
        journal.fail(answer, kind=type(error).__name__, message=str(error), result=answer.result)
        raise


def _output(agent: Agent, text: str) -> Any:
    """Return the last turn's text, or the object that `output_schema` describes.

    Raises: OutputInvalidError if the text is not such an object.
    """
    if agent.output_json_schema is None:
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        raise OutputInvalidError(f"the last answer is not JSON: {error}") from error
    check_output(agent, value, what="the last answer")
    return value
