"""The prompt cache: which part of a request is read, written or new, by running hashes of its blocks.

Source: the provider's prompt caching page (order, lookback, minimum, lifetimes).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from agentops.offline.cache_control import LIFETIME_S, as_read, automatic_position, ttl_of
from agentops.offline.conversation import prompt_blocks
from agentops.offline.jsontext import JsonObject, block_tokens, compact

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
    rendering = compact({name: request[name] for name in RENDERING if request.get(name) is not None})
    prompt = prompt_blocks(request)
    automatic = automatic_position(prompt)
    blocks = []
    for position, (_, section, block) in enumerate(prompt):
        bare = as_read(block)
        rendered = section if section in ("tools", "system") else f"{rendering}{section}"
        running.update(f"\0{rendered}\0{compact(bare)}".encode("utf-8", "surrogatepass"))
        ttl = ttl_of(block) or (ttl_of(request) if position == automatic else None)
        kind = block.get("type")
        blocks.append(PrefixBlock(running.hexdigest(), block_tokens(bare), ttl, kind if kind in RUNS else None))
    return blocks


def total_tokens(request: JsonObject) -> int:
    """Estimate the input tokens of a request, cached or not."""
    return sum(block.tokens for block in prefix_blocks(request))


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


class PromptCache:
    """Remember the prefixes that requests marked, each for its lifetime."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES) -> None:
        self._entries: OrderedDict[str, tuple[int, float]] = OrderedDict()  # lifetime in seconds, end
        self._max_entries = max_entries

    def __len__(self) -> int:
        return len(self._entries)

    def account(self, request: JsonObject, *, at: float) -> InputUsage:
        """Read and write the cache for one request and return its input usage.

        Units: `at` is the start of the request in seconds; lifetimes run from there.
        """
        blocks, marked, hits = self._look(request, at)
        before = [0, *accumulate(block.tokens for block in blocks)]  # the tokens before each block, then all
        for hit in hits:
            key = blocks[hit].key
            self._keep(key, self._entries[key][0], at)
        hit_end = max(hits, default=-1) + 1
        done = hit_end
        written = dict.fromkeys(LIFETIME_S, 0)
        for index in marked:
            ttl = str(blocks[index].ttl)
            if index >= done:
                written[ttl] += before[index + 1] - before[done]
                self._keep(blocks[index].key, LIFETIME_S[ttl], at)
                done = index + 1
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
        return InputUsage(before[-1] - before[done], before[hit_end], written["5m"], written["1h"])

    def uncached_tokens(self, request: JsonObject, *, at: float) -> int:
        """Count what a request would not read from the cache, without touching it."""
        blocks, _, hits = self._look(request, at)
        return sum(block.tokens for block in blocks[max(hits, default=-1) + 1 :])

    def _look(self, request: JsonObject, at: float) -> tuple[list[PrefixBlock], list[int], list[int]]:
        """List the blocks, the places of effective breakpoints, and the nearest cached place of each."""
        blocks = prefix_blocks(request)
        minimum = minimum_tokens(request["model"])
        ends = accumulate(block.tokens for block in blocks)
        marked = [place for place, end in enumerate(ends) if blocks[place].ttl and end >= minimum]
        found = (
            next((i for i in _lookback(blocks, start) if self._is_live(blocks[i].key, at)), -1) for start in marked
        )
        return blocks, marked, [place for place in found if place >= 0]

    def _is_live(self, key: str, at: float) -> bool:
        return key in self._entries and self._entries[key][1] > at

    def _keep(self, key: str, lifetime_s: int, at: float) -> None:
        # Two requests may start in one order and arrive in the other: a lifetime never shrinks.
        ends_at = self._entries[key][1] if key in self._entries else 0.0
        self._entries[key] = lifetime_s, max(ends_at, at + lifetime_s)
        self._entries.move_to_end(key)


def _lookback(blocks: list[PrefixBlock], start: int) -> Iterator[int]:
    """List the blocks a breakpoint can find, nearest first; a run of tool calls or results is one."""
    positions = 0
    for index in range(start, -1, -1):
        if index < start and (blocks[index].run is None or blocks[index].run != blocks[index + 1].run):
            positions += 1
        if positions > LOOKBACK_POSITIONS:
            return
        yield index
