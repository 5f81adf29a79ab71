"""Blocks that the provider has signed or encrypted: keep them byte for byte or drop them whole; never show them.

The API rejects a changed thinking block forever, and a secret must never be stored. So a sealed block that quotes a
secret, or text that no column can hold, is dropped, and so are the thinking blocks after any changed block, since they
are bound to it. Source: docs/adr/0010-what-is-sent-back.md.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from runs.engine.valid_blocks import THOUGHTS
from runs.storable import storable

Block = dict[str, Any]

LEFT_OUT = "left_out"  # key beside the content of an answer: the kinds of blocks that were dropped
HIDDEN = "[not shown: signed or encrypted by the provider]"

_SEALED = THOUGHTS | {"compaction"}


def fit_to_keep(content: Sequence[Block], ids: Iterable[str] = ()) -> tuple[list[Block], list[str]]:
    """Return the blocks of an answer as stored, and the kinds of those that are dropped.

    `ids` are the ids of its tool calls in the run; without them the calls keep the model's ids.
    """
    kept: list[Block] = []
    given = iter(ids)
    left_out: list[Block] = []
    changed = False
    for block in content:
        clean_block = storable(block)
        if block["type"] == "tool_use" and (known_as := next(given, None)):
            clean_block = {**clean_block, "id": known_as}
        if clean_block == block and not (changed and block["type"] in THOUGHTS):
            kept.append(block)
            continue
        changed = True
        if not _is_sealed(block):
            kept.append(clean_block)
        elif block["type"] == "text":  # its text may stay; its citations are sealed
            kept.append({"type": "text", "text": clean_block["text"]})
        else:
            left_out.append(block)
    gone = {block.get("tool_use_id") for block in left_out} - {None}
    calls = [block for block in kept if block["type"] == "server_tool_use" and block.get("id") in gone]
    return [block for block in kept if block not in calls], [str(block["type"]) for block in [*left_out, *calls]]


def without_sealed(result: Any) -> Any:
    """Copy a step's result without what people must not see."""
    if not isinstance(result, dict) or not isinstance(result.get("content"), list):
        return result
    return {**result, "content": [_shown(block) for block in result["content"]]}


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    sealed = _SEALED_FIELDS.get(str(value.get("type")), frozenset())
    hides = {name for name in value if name in sealed or _is_cipher(name)}
    return {
        name: HIDDEN if name in hides else item if name == "input" else _shown(item) for name, item in value.items()
    }


_SEALED_FIELDS = {
    "thinking": frozenset({"thinking", "signature"}),
    "redacted_thinking": frozenset({"data"}),
    "compaction": frozenset({"content", "signature"}),
}


def _is_cipher(name: str) -> bool:
    return name.startswith("encrypted_")


def _is_sealed(value: Any) -> bool:
    """Say whether any part of a block is signed or encrypted."""
    if isinstance(value, list):
        return any(map(_is_sealed, value))
    if not isinstance(value, dict):
        return False
    if value.get("type") in _SEALED or any(map(_is_cipher, value)):
        return True
    return any(_is_sealed(item) for name, item in value.items() if name != "input")
