"""A request as a line of blocks with running hashes, as the prompt cache compares it. Nothing is stored."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from agentops.offline.cache_control import as_read, is_cacheable, ttl_of
from agentops.offline.conversation import as_blocks
from agentops.offline.jsontext import JsonObject, compact
from agentops.offline.tokens import block_tokens, json_tokens

# A change of these leaves tools and system cached but makes another prompt of the messages.
RENDERING = ("tool_choice", "thinking", "output_config", "output_format", "speed")

RUNS = frozenset({"tool_use", "tool_result"})


@dataclass(frozen=True, slots=True)
class PrefixBlock:
    """One block of the prompt.

    Shape: `key` hashes everything up to and including it; `tokens` counts it alone; `ttl` is set at a
    breakpoint; `run` is the type of the blocks that share one lookback position, or None.
    """

    key: str
    tokens: int
    ttl: str | None
    run: str | None


def prefix_blocks(request: JsonObject) -> list[PrefixBlock]:
    """List the blocks of a request in the order the API reads them: tools, system, messages."""
    running = hashlib.sha256(compact(request["model"]).encode())
    blocks = []
    pieces = list(_pieces(request))
    automatic = _automatic_position(request, pieces)
    for position, (section, block) in enumerate(pieces):
        bare = as_read(block)
        running.update(f"\0{section}\0{compact(bare)}".encode("utf-8", "surrogatepass"))
        ttl = ttl_of(block) or (ttl_of(request) if position == automatic else None)
        kind = block.get("type")
        tokens = json_tokens(bare) if section == "tool" else block_tokens(bare)
        blocks.append(PrefixBlock(running.hexdigest(), tokens, ttl, kind if kind in RUNS else None))
    return blocks


def total_tokens(request: JsonObject) -> int:
    """Estimate the input tokens of a request, cached or not."""
    return sum(block.tokens for block in prefix_blocks(request))


def _pieces(request: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for tool in request.get("tools") or []:
        yield "tool", tool
    for block in as_blocks(request.get("system")):
        yield "system", block
    rendering = compact({name: request[name] for name in RENDERING if request.get(name) is not None})
    for message in request["messages"]:
        for block in as_blocks(message["content"]):
            yield f"{rendering}{message['role']}", block


def _automatic_position(request: JsonObject, pieces: list[tuple[str, JsonObject]]) -> int | None:
    if not request.get("cache_control"):
        return None
    cacheable = (index for index in reversed(range(len(pieces))) if is_cacheable(pieces[index][1]))
    return next(cacheable, None)
