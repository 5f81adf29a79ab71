"""Decide the next move of a run from its recorded steps. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runs.engine.transcript import text_of
from runs.errors import ModelRefusedError, ModelStoppedError
from runs.models import Step
from runs.states import PAUSES, STEP_DONE, StepKind, StepStatus

PAUSES_MAX = 10  # maximum pauses in a row of the provider's own loop
GOOD_ENDS = PAUSES | {"end_turn", "stop_sequence", "tool_use"}


@dataclass(frozen=True, slots=True)
class AskModel:
    """Ask the model; `step` is the call to retry, if one is already planned."""

    step: Step | None = None


@dataclass(frozen=True, slots=True)
class CallTools:
    """Work on these calls of the turn, in order; all are still open."""

    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class AskPerson:
    """The agent ended its turn: ask the person it converses with."""

    text: str


@dataclass(frozen=True, slots=True)
class AwaitPerson:
    """A question is open."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is missing; `text` is the last turn's."""

    text: str


NextMove = AskModel | CallTools | AskPerson | AwaitPerson | Finish


def next_move(steps: Sequence[Step], *, converses: bool) -> NextMove:
    """Decide what a run of an agent does next.

    Raises: ModelStoppedError if the model paused too often.
    """
    if not steps:
        return AskModel()
    answer = next(step for step in reversed(steps) if step.kind == StepKind.MODEL_CALL)
    if answer.status != StepStatus.COMPLETED:
        return AskModel(answer)
    following = [step for step in steps if step.seq > answer.seq]
    missing = [step for step in following if step.status not in STEP_DONE]
    if missing and missing[0].kind == StepKind.WAIT:
        return AwaitPerson()
    if missing:
        return CallTools(missing)
    return _after_answer(answer, following, steps, converses=converses)


def _after_answer(answer: Step, following: Sequence[Step], steps: Sequence[Step], *, converses: bool) -> NextMove:
    text = text_of(answer.result["content"])
    match answer.result["stop_reason"]:
        case "end_turn" | "stop_sequence":
            if following:  # the person has answered
                last_word = bool((following[-1].result or {}).get("end"))
                return Finish(text) if last_word else AskModel()
            # An empty turn asks nothing, so there is no answer to wait for.
            return AskPerson(text) if converses and text else Finish(text)
        case reason if reason in PAUSES and _pauses(steps) >= PAUSES_MAX:
            raise ModelStoppedError(f"the model paused {PAUSES_MAX} times in a row")
    return AskModel()


def refuse_bad_end(message: Mapping[str, Any]) -> None:
    """Refuse an answer whose stop reason cannot be continued from.

    Raises: ModelRefusedError, ModelStoppedError.
    """
    reason = message["stop_reason"]
    if reason == "refusal":
        details = message.get("stop_details") or {}
        raise ModelRefusedError(f"the model refused (category: {details.get('category', 'not given')})")
    if reason not in GOOD_ENDS:
        raise ModelStoppedError(f"the model stopped with {reason!r}, from which nobody can continue")
    if reason == "tool_use" and not any(block["type"] == "tool_use" for block in message["content"]):
        raise ModelStoppedError("the model stopped to use tools, but named none")


def _pauses(steps: Sequence[Step]) -> int:
    count = 0
    for step in reversed(steps):
        if step.kind != StepKind.MODEL_CALL or not step.result:
            break
        if step.result["stop_reason"] not in PAUSES:
            break
        count += 1
    return count
