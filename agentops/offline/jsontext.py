"""JSON as text, shared by everybody here, and its length in tokens: an estimate that never changes between runs."""

import json
from typing import Any

JsonObject = dict[str, Any]


def compact(value: object) -> str:
    """Write a value as JSON without spaces, its keys in the order they came in.

    Keys stay unsorted on purpose: the provider's cache sees a reordered `tool_use` input as another prompt.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def compact_ascii(value: object) -> str:
    """Write a value as JSON that is safe in one line of any encoding, lone surrogates included."""
    return json.dumps(value, separators=(",", ":"))


CHARACTERS_PER_TOKEN = 4

# An image is billed by its area, not by the length of its base64 text.
IMAGE_TOKENS = 1_600


def block_tokens(block: JsonObject) -> int:
    """Estimate the tokens of a content block or a tool: one per four characters, rounded up, and at least one."""
    if block.get("type") == "image":
        return IMAGE_TOKENS
    text = str(block.get("text", "")) if block.get("type") == "text" else compact(block)
    return max(1, -(-len(text) // CHARACTERS_PER_TOKEN))


def output_tokens(content: list[JsonObject]) -> int:
    """Estimate the output tokens of a message; even an empty answer costs one."""
    return max(1, sum(block_tokens(block) for block in content))
