"""The transcript: messages for the model, derived from the steps. Pure, and the same bytes each time.

It is never stored as such. Keys keep the order in which the model gave them, since a changed byte before a
cached prefix costs money, and one before a thinking block is an error.
"""

from collections.abc import Iterable
from typing import Any

from runs.models import Step
from runs.states import STEP_DONE, StepKind, StepStatus

Message = dict[str, Any]


def messages_of(prompt: str, steps: Iterable[Step], *, before: list[Message] | None = None) -> list[Message]:
    """Derive the messages that precede the next model call.

    `before` is the transcript of the run that this one continues. Consecutive messages of one role are
    merged, since the API reads them as one.
    """
    messages = [dict(message) for message in before or []]
    _say(messages, "user", [{"type": "text", "text": prompt}])
    for step in steps:
        if step.status not in STEP_DONE:
            continue
        if step.kind == StepKind.MODEL_CALL and step.status == StepStatus.COMPLETED:
            _say(messages, "assistant", step.result["content"])
        elif step.kind == StepKind.TOOL_CALL:
            _say(messages, "user", [tool_result(step)])
        elif step.kind == StepKind.WAIT and step.status == StepStatus.COMPLETED:
            _say(messages, "user", [{"type": "text", "text": step.result["text"]}])
    return messages


def tool_result(step: Step) -> dict[str, Any]:
    """Build the block that answers one `tool_use`."""
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": step.tool_use_id, "content": _text(step)}
    if step.status != StepStatus.COMPLETED:
        block["is_error"] = True
    return block


def _text(step: Step) -> str:
    if step.result is not None:
        return str(step.result["text"])
    return str((step.error or {}).get("message") or "The call did not happen.")


def _say(messages: list[Message], role: str, blocks: list[dict[str, Any]]) -> None:
    if not blocks:  # a model may end its turn without a word; the API refuses empty content
        return
    if messages and messages[-1]["role"] == role:
        messages[-1] = {"role": role, "content": [*messages[-1]["content"], *blocks]}
    else:
        messages.append({"role": role, "content": list(blocks)})


def text_of(content: Iterable[dict[str, Any]]) -> str:
    """Join the texts of a model's answer."""
    return "\n\n".join(block["text"] for block in content if block.get("type") == "text" and block["text"].strip())
