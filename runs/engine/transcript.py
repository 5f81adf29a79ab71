"""Derive the transcript, the messages for the model, from the steps. Pure: the same bytes each time.

It is never stored. Keys keep the model's order, since a changed byte in a cached prefix costs money, and one before a
thinking block is an error.
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from runs.engine.valid_blocks import Ids, acceptable
from runs.models import Step
from runs.states import PAUSES, STEP_DONE, StepKind, StepStatus

Message = dict[str, Any]

NO_WORDS = "(an empty message)"  # the API rejects blank text


def messages_of(prompt: str, steps: Iterable[Step], *, before: list[Message] | None = None) -> list[Message]:
    """Derive the messages that precede the next model call, always acceptable to the API.

    `before` is the transcript of the run that this one continues. Consecutive messages of one role are
    merged, since the API reads them as one.
    """
    messages = [dict(message) for message in before or []]
    ids, steps = Ids(_ids_in(messages)), list(steps)
    of_call: dict[int, str] = {}  # by the position of its step
    _say(messages, "user", [_words(prompt)])
    for place, step in enumerate(steps):
        if step.status not in STEP_DONE:
            continue
        if step.kind == StepKind.MODEL_CALL and step.status == StepStatus.COMPLETED:
            of_turn = _ids_of_turn(step, steps[place + 1 :], ids, of_call)
            is_paused = step.result.get("stop_reason") in PAUSES
            _say(messages, "assistant", acceptable(step.result["content"], of_turn, is_paused=is_paused))
        elif step.kind == StepKind.TOOL_CALL:
            _say(messages, "user", [tool_result(step, of_call.get(step.seq, step.tool_use_id))])
        elif step.kind == StepKind.WAIT and step.status == StepStatus.COMPLETED:
            _say(messages, "user", [_words(step.result["text"])])
    return messages


def _ids_of_turn(answer: Step, following: Sequence[Step], ids: Ids, of_call: dict[int, str]) -> list[str]:
    """Name the calls that an answer asks for; the steps planned for them follow it in order."""
    turn = takewhile(lambda step: step.kind != StepKind.MODEL_CALL, following)
    calls = [step for step in turn if step.kind == StepKind.TOOL_CALL]
    asked = [block for block in answer.result["content"] if block.get("type") == "tool_use"]
    named = []
    for place, block in enumerate(asked):
        call = calls[place] if place < len(calls) else None
        named.append(ids.take(call.tool_use_id if call else block.get("id")))
        if call:
            of_call[call.seq] = named[-1]
    return named


def _ids_in(messages: Iterable[Message]) -> list[str]:
    blocks = (block for message in messages for block in message["content"])
    return [block["id"] for block in blocks if block["type"] == "tool_use"]


def _words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text if text.strip() else NO_WORDS}


def tool_result(step: Step, tool_use_id: str) -> dict[str, Any]:
    """Build the block that answers one `tool_use`."""
    text = _text(step)
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": tool_use_id, "content": text if text.strip() else ""}
    if step.status != StepStatus.COMPLETED:
        block["is_error"] = True
    return block


def _text(step: Step) -> str:
    if step.result is not None:
        return str(step.result["text"])
    return str((step.error or {}).get("message") or "The call did not happen.")


def _say(messages: list[Message], role: str, blocks: list[dict[str, Any]]) -> None:
    if not blocks:  # a model may end its turn without content, which the API rejects
        return
    if messages and messages[-1]["role"] == role:
        messages[-1] = {"role": role, "content": [*messages[-1]["content"], *blocks]}
    else:
        messages.append({"role": role, "content": list(blocks)})


def text_of(content: Iterable[dict[str, Any]]) -> str:
    """Join the texts of a model's answer."""
    texts = (block["text"] for block in content if block.get("type") == "text" and isinstance(block["text"], str))
    return "\n\n".join(text for text in texts if text.strip())
