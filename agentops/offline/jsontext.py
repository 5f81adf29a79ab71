"""JSON as text: the one alias and the one serialiser that everybody here shares."""

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
