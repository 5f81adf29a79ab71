"""Cache breakpoints in a request: where they are, and the rules they must obey."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel

from agentops.offline.conversation import PromptBlock, prompt_blocks
from agentops.offline.errors import InvalidRequestError, checked
from agentops.offline.jsontext import JsonObject

MAX_BREAKPOINTS = 4
LIFETIME_S = {"5m": 300, "1h": 3_600}
DEFAULT_TTL = "5m"

# The API refuses a breakpoint on these; the automatic one looks further back.
UNCACHEABLE = frozenset({"thinking", "redacted_thinking"})


class _Breakpoint(BaseModel):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


def check_breakpoints(request: JsonObject) -> None:
    """Refuse malformed breakpoints, more than four, and a longer lifetime after a shorter one.

    Raises: InvalidRequestError, its message naming the block.
    """
    prompt = prompt_blocks(request)
    found = [(where, _checked_ttl(f"{where}.cache_control", block)) for where, block in _marked(prompt)]
    if request.get("cache_control") is not None:
        ttl = _checked_ttl("cache_control", request)
        position = automatic_position(prompt)
        last = {} if position is None else prompt[position].block
        if not last.get("cache_control"):
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
    return content if isinstance(content, list) else []


def automatic_position(prompt: Sequence[PromptBlock]) -> int | None:
    """Find the block that the automatic breakpoint marks: the last one, thinking left out."""
    cacheable = (place for place in reversed(range(len(prompt))) if prompt[place].block.get("type") not in UNCACHEABLE)
    return next(cacheable, None)


def _marked(prompt: Sequence[PromptBlock]) -> Iterator[tuple[str, JsonObject]]:
    for one in prompt:
        inner = [(f"{one.where}.content.{place}", part) for place, part in enumerate(nested_blocks(one.block))]
        for where, block in (*inner, (one.where, one.block)):
            if block.get("cache_control") is not None:
                yield where, block


def _checked_ttl(where: str, block: JsonObject) -> str:
    asked = checked(_Breakpoint, block["cache_control"], where=where)
    if block.get("type") in UNCACHEABLE:
        raise InvalidRequestError(f"{where}: cache_control cannot be set for {block['type']} blocks")
    return asked.ttl or DEFAULT_TTL


def _check_order(found: Sequence[tuple[str, str]]) -> None:
    shorter_seen = False
    for path, ttl in found:
        if ttl == "1h" and shorter_seen:
            raise InvalidRequestError(
                f"{path}: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
                "Blocks are processed in the order: tools, system, messages."
            )
        shorter_seen = shorter_seen or ttl == "5m"
