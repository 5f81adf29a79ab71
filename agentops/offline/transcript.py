"""The rules that messages must obey one after another, as the API checks them. Their shapes are in `shapes.py`."""

from itertools import takewhile

from agentops.offline.conversation import Turn, merged_turns
from agentops.offline.errors import InvalidRequestError
from agentops.offline.jsontext import JsonObject
from agentops.offline.signatures import SIGNED

PREFILL_REFUSED = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)


def check_transcript(messages: list[JsonObject], *, may_continue: bool = False) -> None:
    """Refuse messages that the API would refuse, each of which `check_request` has passed.

    `may_continue` says that a final assistant message is a paused turn sent back to be continued.

    Raises: InvalidRequestError with the API's kind of message, such as
        "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_x".
    """
    turns = merged_turns(messages)
    if turns[0].role != "user":
        raise InvalidRequestError('messages: first message must use the "user" role')
    _check_contents(messages)
    _check_ids_unique(turns)
    _check_ends(turns)
    for position, turn in enumerate(turns):
        _check_results_have_uses(turn, turns[position - 1] if position else None)
        _check_uses_have_results(turn, turns[position + 1] if position + 1 < len(turns) else None)
    if turns[-1].role == "assistant" and not (may_continue or is_paused(turns[-1])):
        raise InvalidRequestError(PREFILL_REFUSED)


def is_paused(turn: Turn) -> bool:
    """Tell whether an assistant turn stopped in the middle of the server's own tools."""
    last = turn.blocks[-1]["type"] if turn.blocks else ""
    return last == "server_tool_use" or (last.endswith("_tool_result") and last != "tool_result")


def _check_contents(messages: list[JsonObject]) -> None:
    for index, message in enumerate(messages):
        final_assistant = index == len(messages) - 1 and message["role"] == "assistant"
        content = message["content"]
        if isinstance(content, str) and content and not content.strip():
            raise InvalidRequestError(f"messages.{index}: text content blocks must contain non-whitespace text")
        if not content and not final_assistant:
            raise InvalidRequestError(
                f"messages.{index}: all messages must have non-empty content "
                "except for the optional final assistant message"
            )


def _check_ends(turns: list[Turn]) -> None:
    """Refuse an assistant turn that ends in a thought, and a last one that ends in blanks."""
    for turn in turns:
        if turn.role == "assistant" and turn.blocks and turn.blocks[-1]["type"] in SIGNED:
            raise InvalidRequestError(
                f"messages.{turn.index}: The final block in an assistant message cannot be `{turn.blocks[-1]['type']}`."
            )
    last = turns[-1].blocks[-1:] if turns[-1].role == "assistant" else []
    if any(block["type"] == "text" and block["text"] != block["text"].rstrip() for block in last):
        raise InvalidRequestError("messages: final assistant content cannot end with trailing whitespace")


def _check_ids_unique(turns: list[Turn]) -> None:
    seen: set[str] = set()
    for turn in turns:
        for used in _ids(turn, "tool_use", "id"):
            if used in seen:
                raise InvalidRequestError(f"messages.{turn.index}: `tool_use` ids must be unique: {used}")
            seen.add(used)


def _check_results_have_uses(turn: Turn, before: Turn | None) -> None:
    called = _ids(before, "tool_use", "id") if before and before.role == "assistant" else []
    answered: set[str] = set()
    for identifier in _ids(turn, "tool_result", "tool_use_id"):
        if identifier not in called:
            raise InvalidRequestError(
                f"messages.{turn.index}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{identifier}. Each `tool_result` block must have a corresponding `tool_use` block "
                "in the previous message."
            )
        if identifier in answered:
            raise InvalidRequestError(
                f"messages.{turn.index}: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {identifier}"
            )
        answered.add(identifier)


def _check_uses_have_results(turn: Turn, after: Turn | None) -> None:
    called = _ids(turn, "tool_use", "id")
    following = after.blocks if after and after.role == "user" else []
    answered = [block["tool_use_id"] for block in takewhile(lambda block: block["type"] == "tool_result", following)]
    missing = [identifier for identifier in called if identifier not in answered]
    if missing:
        raise InvalidRequestError(
            f"messages.{turn.index}: `tool_use` ids were found without `tool_result` blocks "
            f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a corresponding "
            "`tool_result` block in the next message."
        )


def _ids(turn: Turn, block_type: str, key: str) -> list[str]:
    return [block[key] for block in turn.blocks if block["type"] == block_type]
