"""Messages, blocks and tool definitions made comparable. Pure."""

from typing import Any


def plain(value: Any) -> Any:
    """Put the fields of messages and blocks in one order and leave out cache breakpoints.

    The order of a block's own fields is the SDK's, and a breakpoint says how to bill a prompt, not what it is.
    The keys inside a tool call's input stay as they are: the model wrote them in this order.
    """
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: value[key] for key in sorted(value) if key != "cache_control"}
    if isinstance(kept.get("content"), list):
        kept["content"] = plain(kept["content"])
    return kept
