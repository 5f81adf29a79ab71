"""The fields of one message and of its blocks. How messages follow each other is in `transcript.py`."""

import re
from typing import Any

from agentops.offline.errors import InvalidRequestError
from agentops.offline.jsontext import JsonObject

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
    {
        "advisor_tool_result",
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "compaction",
        "container_upload",
        "document",
        "fallback",
        "image",
        "mcp_tool_listing",
        "mcp_tool_result",
        "mcp_tool_use",
        "search_result",
        "server_tool_use",
        "text_editor_code_execution_tool_result",
        "tool_reference",
        "tool_search_tool_result",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)
ONLY_IN = {
    "tool_use": "assistant",
    "tool_result": "user",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
}


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
