"""From a turn to a message: templates filled, ids minted, cut at `max_tokens`. Bytes are in `wire.py`."""

import secrets
from dataclasses import dataclass

from agentops.offline.cache import InputUsage
from agentops.offline.conversation import OfflineConversation, fill_text, fill_value
from agentops.offline.jsontext import CHARACTERS_PER_TOKEN, JsonObject, block_tokens, compact_ascii, output_tokens
from agentops.offline.scripts import ScriptedTurn

TOOL_CALLS = frozenset({"tool_use", "server_tool_use"})


@dataclass(frozen=True)
class Reply:
    """A message to serve.

    Shape: `cut_input` is the part of the last tool call's JSON that fitted under `max_tokens`, or None.
    """

    message: JsonObject
    cut_input: str | None = None


def mint(prefix: str) -> str:
    """Make a fresh id such as toolu_5f1c…, unlike any before."""
    return f"{prefix}_{secrets.token_hex(12)}"


def scripted_content(turn: ScriptedTurn, conversation: OfflineConversation) -> list[JsonObject]:
    """Fill the templates of a turn and give every tool call an id; a call served twice gets two ids."""
    return turn.content if turn.as_written else [_filled(block, conversation) for block in turn.content]


def build_reply(turn: ScriptedTurn, content: list[JsonObject], request: JsonObject, *, usage: InputUsage) -> Reply:
    """Put a turn's content into a complete message; a scripted one ends at `max_tokens`."""
    cut_input, tokens, reason = None, output_tokens(content), turn.stop_reason
    if tokens > request["max_tokens"] and not turn.is_recorded:
        tokens, reason = request["max_tokens"], "max_tokens"
        content, cut_input = _cut_content(content, tokens)
    message = {
        "id": mint("msg"),
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        **turn.extras,
        "usage": {**usage.as_json(), "output_tokens": tokens, "service_tier": "standard"},
    }
    return Reply(message, cut_input)


def _cut_content(content: list[JsonObject], left: int) -> tuple[list[JsonObject], str | None]:
    kept: list[JsonObject] = []
    for block in content:
        if block_tokens(block) <= left:
            left -= block_tokens(block)
            kept.append(block)
            continue
        characters = left * CHARACTERS_PER_TOKEN
        if characters and block["type"] == "text" and isinstance(block.get("text"), str):
            kept.append({**block, "text": block["text"][:characters]})
        elif characters and block["type"] in TOOL_CALLS:
            # Half an input is no JSON object: only a stream can carry it, a plain answer has none.
            kept.append({**block, "input": {}})
            whole = compact_ascii(block.get("input", {}))
            return kept, whole[: min(characters, len(whole) - 1)]
        break
    return kept, None


def _filled(block: JsonObject, conversation: OfflineConversation) -> JsonObject:
    if block["type"] == "text":
        return {**block, "text": fill_text(block["text"], conversation)}
    if block["type"] in TOOL_CALLS:
        identifier = block.get("id") or mint("toolu" if block["type"] == "tool_use" else "srvtoolu")
        return {**block, "id": identifier, "input": fill_value(block["input"], conversation)}
    return block
