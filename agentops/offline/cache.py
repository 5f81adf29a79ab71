"""The prompt cache: which part of a request is read, written or new, by running hashes of its blocks.

Source: the provider's prompt caching page (order, lookback, minimum, lifetimes).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from agentops.offline.cache_control import LIFETIME_S, as_read, is_cacheable, ttl_of
from agentops.offline.conversation import as_blocks
from agentops.offline.jsontext import JsonObject, block_tokens, compact, json_tokens

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


LOOKBACK_POSITIONS = 20
MAX_ENTRIES = 50_000

DEFAULT_MINIMUM_TOKENS = 1_024

# The longest name that begins the model's name decides: claude-sonnet-5-5 is not claude-sonnet-5.
MINIMUM_TOKENS = {
    "claude-fable-5": 512,
    "claude-haiku-4-5": 4_096,
    "claude-haiku-5-5": 512,
    "claude-mythos-5": 512,
    "claude-opus-4-5": 4_096,
    "claude-opus-4-6": 4_096,
    "claude-opus-4-8": 1_024,
    "claude-opus-5": 512,
    "claude-sonnet-5": 1_024,
    "claude-sonnet-5-5": 512,
}


def minimum_tokens(model: str) -> int:
    """Return the shortest prefix that a model caches."""
    families = [name for name in MINIMUM_TOKENS if model.startswith(name)]
    return MINIMUM_TOKENS[max(families, key=len)] if families else DEFAULT_MINIMUM_TOKENS


@dataclass(frozen=True, slots=True)
class InputUsage:
    """The input side of a usage; the four counts add up to the whole prompt."""

    input_tokens: int
    read_tokens: int
    written_5m_tokens: int
    written_1h_tokens: int

    def as_json(self) -> JsonObject:
        """Write the counts under the API's names."""
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": self.written_5m_tokens + self.written_1h_tokens,
            "cache_read_input_tokens": self.read_tokens,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m_tokens,
                "ephemeral_1h_input_tokens": self.written_1h_tokens,
            },
        }


@dataclass(slots=True)
class _Entry:
    lifetime_s: int
    expires_at: float


class PromptCache:
    """Remember the prefixes that requests marked, each for its lifetime."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._max_entries = max_entries

    def __len__(self) -> int:
        return len(self._entries)

    def account(self, request: JsonObject, *, at: float) -> InputUsage:
        """Read and write the cache for one request and return its input usage.

        Units: `at` is the start of the request in seconds; lifetimes run from there.
        """
        blocks = prefix_blocks(request)
        totals = list(accumulate(block.tokens for block in blocks))
        minimum = minimum_tokens(request["model"])
        marked = [i for i, block in enumerate(blocks) if block.ttl and totals[i] >= minimum]
        read = max((self._longest_hit(blocks, start, at) for start in marked), default=-1)
        written = self._write(blocks, marked, read, at)
        end = totals[marked[-1]] if marked else 0
        read_tokens = totals[read] if read >= 0 else 0
        return InputUsage(totals[-1] - end, read_tokens, written["5m"], written["1h"])

    def uncached_tokens(self, request: JsonObject, *, at: float) -> int:
        """Count what a request would not read from the cache, without touching it."""
        blocks = prefix_blocks(request)
        totals = list(accumulate(block.tokens for block in blocks))
        minimum = minimum_tokens(request["model"])
        marked = [i for i, block in enumerate(blocks) if block.ttl and totals[i] >= minimum]
        found = [i for start in marked for i in _lookback(blocks, start) if self._live(blocks[i].key, at)]
        return totals[-1] - (totals[max(found)] if found else 0)

    def _longest_hit(self, blocks: list[PrefixBlock], start: int, at: float) -> int:
        for index in _lookback(blocks, start):
            entry = self._live(blocks[index].key, at)
            if entry:
                self._refresh(blocks[index].key, entry, at)
                return index
        return -1

    def _write(self, blocks: list[PrefixBlock], marked: list[int], read: int, at: float) -> dict[str, int]:
        written = dict.fromkeys(LIFETIME_S, 0)
        done = read
        for index in marked:
            ttl = blocks[index].ttl
            if ttl is None or index <= done:
                continue
            written[ttl] += sum(block.tokens for block in blocks[done + 1 : index + 1])
            self._refresh(blocks[index].key, _Entry(LIFETIME_S[ttl], 0.0), at)
            done = index
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
        return written

    def _live(self, key: str, at: float) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at <= at:
            del self._entries[key]
            return None
        return entry

    def _refresh(self, key: str, entry: _Entry, at: float) -> None:
        # Two requests may start in one order and arrive in the other: a lifetime never shrinks.
        entry.expires_at = max(entry.expires_at, at + entry.lifetime_s)
        self._entries[key] = entry
        self._entries.move_to_end(key)


def _lookback(blocks: list[PrefixBlock], start: int) -> list[int]:
    """List the blocks a breakpoint can find, nearest first; a run of tool calls or results is one."""
    found = []
    positions = 0
    for index in range(start, -1, -1):
        if index < start and not _in_one_run(blocks[index], blocks[index + 1]):
            positions += 1
        if positions > LOOKBACK_POSITIONS:
            break
        found.append(index)
    return found


def _in_one_run(block: PrefixBlock, following: PrefixBlock) -> bool:
    return block.run is not None and block.run == following.run
