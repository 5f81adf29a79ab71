"""The rules that messages must obey, alone and one after another, as the API checks them."""

import re
from typing import Any

from agentops.offline.conversation import Turn, merged_turns
from agentops.offline.errors import InvalidRequestError
from agentops.offline.jsontext import JsonObject
from agentops.offline.signatures import SIGNED

ROLES = ("user", "assistant", "system")
TOOL_USE_ID = re.compile(r"[a-zA-Z0-9_-]+")
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,200}")

FIELDS = {
    "text": frozenset({"type", "text", "citations", "cache_control"}),
    "tool_use": frozenset({"type", "id", "name", "input", "caller", "toolset_name", "cache_control"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
}
# These pass with whatever fields they have.
OTHERS = frozenset(
    """
    advisor_tool_result bash_code_execution_tool_result code_execution_tool_result compaction container_upload
    document fallback image mcp_tool_listing mcp_tool_result mcp_tool_use search_result server_tool_use
    text_editor_code_execution_tool_result tool_reference tool_search_tool_result web_fetch_tool_result
    web_search_tool_result
    """.split()
)
ONLY_IN = {
    "tool_use": "assistant",
    "tool_result": "user",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
}
PREFILL_REFUSED = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)


def check_transcript(messages: list[JsonObject], *, may_continue: bool = False) -> None:
    """Refuse messages that the API would refuse.

    `may_continue` says that a final assistant message is a paused turn sent back to be continued.

    Raises: InvalidRequestError with the API's kind of message, such as
        "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_x".
    """
    check_shapes(messages)
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


def check_shapes(messages: list[JsonObject]) -> None:
    """Refuse an empty list and messages whose fields are wrong in themselves.

    Raises: InvalidRequestError.
    """
    if not messages:
        raise InvalidRequestError("messages: at least one message is required")
    for index, message in enumerate(messages):
        check_message(f"messages.{index}", message)


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
    answered = _leading_results(after) if after and after.role == "user" else []
    missing = [identifier for identifier in called if identifier not in answered]
    if missing:
        raise InvalidRequestError(
            f"messages.{turn.index}: `tool_use` ids were found without `tool_result` blocks "
            f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a corresponding "
            "`tool_result` block in the next message."
        )


def _leading_results(turn: Turn) -> list[str]:
    identifiers = []
    for block in turn.blocks:
        if block["type"] != "tool_result":
            break
        identifiers.append(block["tool_use_id"])
    return identifiers


def _ids(turn: Turn, block_type: str, key: str) -> list[str]:
    return [block[key] for block in turn.blocks if block["type"] == block_type]


def check_message(where: str, message: JsonObject) -> None:
    """Refuse a message with a wrong role, content or block.

    Raises: InvalidRequestError, its message beginning with `where`.
    """
    _refuse_extras(where, message, frozenset({"role", "content"}))
    role = message.get("role")
    if role not in ROLES:
        raise InvalidRequestError(f"{where}.role: Input should be 'user', 'assistant' or 'system'")
    if "content" not in message:
        raise InvalidRequestError(f"{where}.content: Field required")
    if isinstance(message["content"], str):
        return
    check_blocks(f"{where}.content", message["content"], role=str(role))


def check_blocks(where: str, blocks: Any, *, role: str) -> None:
    """Refuse a list that is not one of content blocks that this role may send.

    Raises: InvalidRequestError.
    """
    if not isinstance(blocks, list):
        raise InvalidRequestError(f"{where}: Input should be a valid string or a list of blocks")
    for index, block in enumerate(blocks):
        path = f"{where}.{index}"
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise InvalidRequestError(f"{path}.type: Field required")
        kind = block["type"]
        if kind not in FIELDS and kind not in OTHERS:
            known = ", ".join(f"'{name}'" for name in sorted(OTHERS | set(FIELDS)))
            raise InvalidRequestError(
                f"{path}: Input tag '{kind[:100]}' found using 'type' does not match any of the expected tags: {known}"
            )
        if ONLY_IN.get(kind, role) != role or (role == "system" and kind != "text"):
            raise InvalidRequestError(f"{path}: `{kind}` blocks are not allowed in {role} messages")
        if kind in FIELDS:
            _refuse_extras(f"{path}.{kind}", block, FIELDS[kind])
            CHECKS[kind](f"{path}.{kind}", block)


def _check_text(where: str, block: JsonObject) -> None:
    if not isinstance(block.get("text"), str):
        raise InvalidRequestError(f"{where}.text: Input should be a valid string")
    if not block["text"].strip():
        raise InvalidRequestError(f"{where}.text: text content blocks must be non-empty")


def _check_tool_use(where: str, block: JsonObject) -> None:
    for key, pattern in (("id", TOOL_USE_ID), ("name", TOOL_NAME)):
        value = block.get(key)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise InvalidRequestError(f"{where}.{key}: String should match pattern '^{pattern.pattern}$'")
    if not isinstance(block.get("input"), dict):
        raise InvalidRequestError(f"{where}.input: Input should be a valid dictionary")


def _check_thinking(where: str, block: JsonObject) -> None:
    for key in FIELDS[block["type"]] - {"type"}:
        if not isinstance(block.get(key), str):
            raise InvalidRequestError(f"{where}.{key}: Field required")


def _check_tool_result(where: str, block: JsonObject) -> None:
    if not isinstance(block.get("tool_use_id"), str):
        raise InvalidRequestError(f"{where}.tool_use_id: Field required")
    if not isinstance(block.get("is_error"), bool | None):
        raise InvalidRequestError(f"{where}.is_error: Input should be a valid boolean")
    content = block.get("content")
    if content is not None and not isinstance(content, str):
        check_blocks(f"{where}.content", content, role="tool_result")


def _refuse_extras(where: str, value: JsonObject, allowed: frozenset[str]) -> None:
    extras = sorted(set(value) - allowed)
    if extras:
        raise InvalidRequestError(f"{where}.{extras[0]}: Extra inputs are not permitted")


CHECKS = {
    "text": _check_text,
    "tool_use": _check_tool_use,
    "tool_result": _check_tool_result,
    "thinking": _check_thinking,
    "redacted_thinking": _check_thinking,
}
