"""Make a model's answer acceptable to the API as input. Pure: the same answer always gives the same blocks.

Gateways and models return things that the API rejects as input: blank texts, names and ids outside its patterns, tool
inputs that are not objects, unknown kinds of blocks. Sent back unchanged, they would be rejected forever, after effects
were done. Whatever the API accepts passes through untouched. Source: docs/adr/0010-what-is-sent-back.md.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

Block = dict[str, Any]

ID = re.compile(r"[a-zA-Z0-9_-]{1,100}")  # the API sets no limit, our column does
NAME = re.compile(r"[a-zA-Z0-9_-]{1,200}")
THOUGHTS = frozenset({"thinking", "redacted_thinking"})

_NAME_MAX = 64  # of a stand-in: what every gateway takes
_FIELDS = {
    "text": frozenset({"type", "text", "citations"}),
    "tool_use": frozenset({"type", "id", "name", "input", "caller", "toolset_name"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
}
_SERVER_CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
_OTHERS = frozenset({"compaction", "container_upload", "fallback", "mcp_tool_listing"})


class Ids:
    """The ids of the tool calls in one transcript, each used once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def take(self, wanted: Any) -> str:
        """Return the id, or a stand-in if the API would reject it or it is already used."""
        found = wanted if isinstance(wanted, str) and ID.fullmatch(wanted) else ""
        number = len(self._taken) + 1
        while not found or found in self._taken:
            found = f"call_{number}"
            number += 1
        self._taken.add(found)
        return found


def acceptable(content: Sequence[Block], ids: Sequence[str], *, is_paused: bool) -> list[Block]:
    """Build the blocks to send back for an answer; `ids` are those of its tool calls, in order.

    A thinking block is bound to everything before it, so it is dropped after a block that had to be changed.
    """
    kept: list[Block] = []
    left, lone, changed = iter(ids), _without_counterpart(content), False
    for block in content:
        fit = _fit(_finite(block), left, lone)
        if fit is None or (changed and fit["type"] in THOUGHTS):
            changed = True
            continue
        changed = changed or fit != block
        kept.append(fit)
    return _fit_to_end(kept, is_paused=is_paused)


def _fit_to_end(blocks: list[Block], *, is_paused: bool) -> list[Block]:
    """Drop a thinking block at the end of a turn, and trailing blanks from a turn that is sent back to continue."""
    while blocks and blocks[-1]["type"] in THOUGHTS:
        blocks = blocks[:-1]
    if is_paused and blocks and blocks[-1]["type"] == "text":
        text = blocks[-1]["text"]
        blocks = [*blocks[:-1], blocks[-1] if text == text.rstrip() else {**blocks[-1], "text": text.rstrip()}]
    return blocks


def _fit(block: Block, ids: Iterable[str], lone: frozenset[str]) -> Block | None:
    """Return the block if it is acceptable, else its stand-in, if it has one."""
    match block.get("type"):
        case "text":
            return _text(block)
        case "tool_use":
            return _tool_use(block, next(iter(ids)))
        case "thinking":
            whole = isinstance(block.get("thinking"), str) and block.get("signature") and _has_no_more(block)
            return block if whole else None
        case "redacted_thinking":
            return block if block.get("data") and _has_no_more(block) else None
        case str() as kind if kind in _SERVER_CALLS or kind.endswith("_tool_result"):
            return block if _server_id(block) not in lone else None
        case kind:
            return block if kind in _OTHERS else None


def _text(block: Block) -> Block | None:
    text, citations = block.get("text"), block.get("citations")
    if not isinstance(text, str) or not text.strip():
        return None
    cites = citations is None or (isinstance(citations, list) and all(isinstance(c, dict) for c in citations))
    if cites and _has_no_more(block):
        return block
    return {"type": "text", "text": text} | ({"citations": citations} if citations and cites else {})


def _tool_use(block: Block, identifier: str) -> Block:
    name, given = block.get("name"), block.get("input")
    fit = {name: value for name, value in block.items() if name in _FIELDS["tool_use"] and value is not None}
    return fit | {
        "id": identifier,
        "name": _name(name),
        "input": given if isinstance(given, dict) else {"input": given},
    }


def _name(name: Any) -> str:
    if isinstance(name, str) and NAME.fullmatch(name):
        return name
    return re.sub(r"[^a-zA-Z0-9_-]", "_", str(name or "no_name"))[:_NAME_MAX]


def _finite(value: Any) -> Any:
    """Write numbers that JSON cannot express as texts: answers stored by earlier versions may hold them."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _has_no_more(block: Block) -> bool:
    return block.keys() <= _FIELDS[block["type"]]


def _without_counterpart(content: Sequence[Block]) -> frozenset[str]:
    """Find calls of the provider's own tools where one side is not acceptable: the other side is dropped too."""
    sides = [b for b in content if b.get("type") in _SERVER_CALLS or str(b.get("type")).endswith("_tool_result")]
    return frozenset(_server_id(side) for side in sides if not _is_fit_side(side))


def _is_fit_side(side: Mapping[str, Any]) -> bool:
    if not ID.fullmatch(_server_id(side)):
        return False
    if side["type"] in _SERVER_CALLS:
        return isinstance(side.get("name"), str) and isinstance(side.get("input"), dict)
    return isinstance(side.get("content"), dict | list)


def _server_id(side: Mapping[str, Any]) -> str:
    found = side.get("id") if side["type"] in _SERVER_CALLS else side.get("tool_use_id")
    return found if isinstance(found, str) else ""


def without_tools(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn calls and their results into text, for a request that offers no tools: some gateways reject them there."""
    return [{**message, "content": [_in_words(block) for block in message["content"]]} for message in messages]


def _in_words(block: Block) -> Block:
    match block["type"]:
        case "tool_use":
            return {"type": "text", "text": f"(I asked for a tool {block['name']}, which there is not.)"}
        case "tool_result":
            return {"type": "text", "text": f"(The call was not made: {block['content']})"}
    return block
