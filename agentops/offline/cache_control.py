"""Cache breakpoints in a request: where they are, and the rules they must obey."""

from collections.abc import Iterator
from typing import Any

from agentops.offline.errors import InvalidRequestError
from agentops.offline.jsontext import JsonObject

MAX_BREAKPOINTS = 4
LIFETIME_S = {"5m": 300, "1h": 3_600}
DEFAULT_TTL = "5m"

# The API refuses a breakpoint on these; the automatic one looks further back.
UNCACHEABLE = frozenset({"thinking", "redacted_thinking"})


def check_breakpoints(request: JsonObject) -> None:
    """Refuse malformed breakpoints, more than four, and a longer lifetime after a shorter one.

    Raises: InvalidRequestError, its message naming the block.
    """
    found = [(path, _checked_ttl(path, block)) for path, block in _marked_blocks(request)]
    automatic = request.get("cache_control")
    if automatic is not None:
        ttl = _checked_ttl("", request)
        last = last_cacheable(request)
        if last is None or not last.get("cache_control"):
            found.append(("cache_control", ttl))
        elif ttl_of(last) != ttl:
            raise InvalidRequestError(
                "cache_control: the last cacheable block already has a breakpoint with another ttl"
            )
    if len(found) > MAX_BREAKPOINTS:
        raise InvalidRequestError(
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {len(found)}."
        )
    _check_order(found)


def ttl_of(block: JsonObject) -> str | None:
    """Return the lifetime a block asks for, its nested blocks included; None when it has no breakpoint."""
    control = block.get("cache_control")
    if control:
        return str(control.get("ttl") or DEFAULT_TTL)
    nested = [ttl_of(part) for part in nested_blocks(block)]
    return next((ttl for ttl in reversed(nested) if ttl), None)


def as_read(block: JsonObject) -> JsonObject:
    """Copy a block as the model reads it: no breakpoints, no nulls, its own fields in one order.

    The order inside a tool's input stays: the model wrote it and reads it back as text.
    """
    bare = {key: value for key, value in sorted(block.items()) if key != "cache_control" and value is not None}
    if nested_blocks(block):
        bare["content"] = [as_read(part) for part in block["content"]]
    return bare


def nested_blocks(block: JsonObject) -> list[JsonObject]:
    """List the content blocks inside a `tool_result`; other blocks have none."""
    content = block.get("content") if block.get("type") == "tool_result" else None
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def last_cacheable(request: JsonObject) -> JsonObject | None:
    """Find the block that the automatic breakpoint marks: the last one, thinking left out.

    Shape: a string as content counts as a block without a breakpoint.
    """
    for message in reversed(request["messages"]):
        if isinstance(message["content"], str):
            return {"type": "text", "text": message["content"]}
        for block in reversed(message["content"]):
            if is_cacheable(block):
                return dict(block)
    return None


def is_cacheable(block: JsonObject) -> bool:
    """Tell whether a breakpoint may sit on this block."""
    return block.get("type") not in UNCACHEABLE


def _marked_blocks(request: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    yield from _marked("tools", request.get("tools"))
    yield from _marked("system", request.get("system"))
    for index, message in enumerate(request["messages"]):
        yield from _marked(f"messages.{index}.content", message["content"])


def _marked(path: str, blocks: Any) -> Iterator[tuple[str, JsonObject]]:
    if not isinstance(blocks, list):
        return
    for index, block in enumerate(blocks):
        yield from _marked(f"{path}.{index}.content", nested_blocks(block))
        if block.get("cache_control") is not None:
            yield f"{path}.{index}", block


def _checked_ttl(path: str, block: JsonObject) -> str:
    control = block["cache_control"]
    where = f"{path}.cache_control" if path else "cache_control"
    if not isinstance(control, dict):
        raise InvalidRequestError(f"{where}: Input should be a valid dictionary")
    if control.get("type") != "ephemeral":
        raise InvalidRequestError(f"{where}.type: Input should be 'ephemeral'")
    if control.get("ttl") not in (None, *LIFETIME_S):
        raise InvalidRequestError(f"{where}.ttl: Input should be '5m' or '1h'")
    if not is_cacheable(block):
        raise InvalidRequestError(f"{where}: cache_control cannot be set for {block['type']} blocks")
    return str(control.get("ttl") or DEFAULT_TTL)


def _check_order(found: list[tuple[str, str]]) -> None:
    shorter_seen = False
    for path, ttl in found:
        if ttl == "1h" and shorter_seen:
            raise InvalidRequestError(
                f"{path}: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
                "Blocks are processed in the order: tools, system, messages."
            )
        shorter_seen = shorter_seen or ttl == "5m"
