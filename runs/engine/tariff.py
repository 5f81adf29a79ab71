"""What a model costs, as flat rates: the same results as genai-prices, a hundred times faster.

A tariff has a level for each prompt length at which rates change; the level's rates apply to the whole request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any

_UNIT = Decimal("0.00000001")
_MILLION = 1_000_000
_BYTES_PER_TOKEN = 2  # deliberately few: a reserve must not be too small. A CJK character is three bytes
_MOST = 10_000_000  # tokens of one kind, or searches, that one call can have used: many times the longest context
_ASKS_FOR_AN_HOUR = '"ttl":"1h"'  # as `dump_json` writes a cache breakpoint; inside a text its quotes are escaped


@dataclass(frozen=True, slots=True)
class Used:
    """The usage of one call, as the provider bills it. The four kinds of tokens are disjoint; 1h is part of writes."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    web_searches: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Return the length of the prompt, which decides the level."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def tokens(self) -> dict[str, int]:
        """Return the four token columns of runs, steps and calls."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
        }

    def uncached(self) -> "Used":
        """Return the usage of the same call without a cache."""
        return Used(self.prompt_tokens, self.output_tokens, web_searches=self.web_searches)


def used(usage: Mapping[str, Any]) -> Used:
    """Read a usage in the provider's own shape, whose `input_tokens` already excludes cached tokens.

    Raises: ValueError for an impossible count: below 0, not a whole number, or larger than any call.
    """
    by_ttl, by_server = _part(usage, "cache_creation"), _part(usage, "server_tool_use")
    for_an_hour = _count(by_ttl, "ephemeral_1h_input_tokens")
    written = for_an_hour + _count(by_ttl, "ephemeral_5m_input_tokens")
    return Used(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cache_read_tokens=_count(usage, "cache_read_input_tokens"),
        cache_write_tokens=max(_count(usage, "cache_creation_input_tokens"), written),
        cache_write_1h_tokens=for_an_hour,
        web_searches=_count(by_server, "web_search_requests"),
    )


def used_by(message: Mapping[str, Any]) -> Used | None:
    """Read what an answer has used; None if the usage is missing or not credible.

    An answer with content is never free: a gateway that does not count sends zeros. One that counts the answer, or the
    cache, is trusted.
    """
    try:
        said = used(message["usage"])
        counts_input = message["usage"].get("input_tokens") is not None
    except (KeyError, AttributeError, ValueError):
        return None
    counts = said.output_tokens or said.cache_read_tokens or said.cache_write_tokens
    says_nothing = not message.get("content") and said.prompt_tokens
    return said if counts_input and (counts or says_nothing) else None


def _part(usage: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = usage.get(name)
    return part if isinstance(part, Mapping) else {}


def _count(usage: Mapping[str, Any], name: str) -> int:
    count = usage.get(name) or 0
    is_number = isinstance(count, int | float) and not isinstance(count, bool)
    if not is_number or not 0 <= count <= _MOST or count != int(count):
        raise ValueError(f"{name} is {count!r:.40}")
    return int(count)


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one level. Units: USD per million tokens of each kind; per thousand searches."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    web_searches: Decimal

    def times(self, factor: Decimal) -> "Rates":
        """Scale the token rates; searches cost the same in a batch."""
        return Rates(
            input=self.input * factor,
            output=self.output * factor,
            cache_read=self.cache_read * factor,
            cache_write=self.cache_write * factor,
            cache_write_1h=self.cache_write_1h * factor,
            web_searches=self.web_searches,
        )

    def cost_usd(self, of: Used) -> Decimal:
        """Price a usage, rounded up to the precision of the column."""
        millionths = (
            self.input * of.input_tokens
            + self.output * of.output_tokens
            + self.cache_read * of.cache_read_tokens
            + self.cache_write * (of.cache_write_tokens - of.cache_write_1h_tokens)
            + self.cache_write_1h * of.cache_write_1h_tokens
            + self.web_searches * of.web_searches * 1000
        )
        return (millionths / _MILLION).quantize(_UNIT, rounding=ROUND_UP)


@dataclass(frozen=True, slots=True)
class Level:
    """The rates of prompts longer than `over` tokens."""

    over: int
    standard: Rates
    batch: Rates


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call cost, and what it saved compared to uncached input and the standard tier."""

    cost_usd: Decimal
    saved_by_cache_usd: Decimal
    saved_by_batch_usd: Decimal


@dataclass(frozen=True, slots=True)
class Tariff:
    """All rates of a model. `levels` ascend; the first is over -1."""

    version: str
    levels: tuple[Level, ...]

    def charge(self, of: Used, *, batch: bool = False) -> Charge:
        """Price a usage, and compute what cache and batch saved.

        The cache's saving is counted at the standard tier, net of the surcharge for writing; the batch's saving is what
        it took off the rest. A cache written and never read has a negative saving.
        """
        level = [level for level in self.levels if of.prompt_tokens > level.over][-1]
        standard = level.standard.cost_usd(of)
        cost = level.batch.cost_usd(of) if batch else standard
        cached = of.cache_read_tokens or of.cache_write_tokens
        plain = level.standard.cost_usd(of.uncached()) if cached else standard
        return Charge(cost, plain - standard, standard - cost)

    def reserve_usd(self, body: str, *, max_tokens: int) -> Decimal:
        """Price the worst case of a request: all input at the highest rate it may incur, `max_tokens` of output.

        Uses the standard tier: a reserve for a batch is then twice what it needs to be, and safe. A level makes the
        whole request several times as expensive, so it counts for any prompt that reaches it at one token per byte.
        """
        size = len(body.encode())
        tokens = size // _BYTES_PER_TOKEN + 1
        for_an_hour = _ASKS_FOR_AN_HOUR in body
        return max(
            _at_its_dearest(level.standard, tokens, max_tokens, for_an_hour=for_an_hour)
            for level in self.levels
            if size > level.over
        )


def _at_its_dearest(rates: Rates, tokens: int, max_tokens: int, *, for_an_hour: bool) -> Decimal:
    dearest = max(rates.input, rates.cache_write, rates.cache_write_1h if for_an_hour else rates.input)
    return ((dearest * tokens + rates.output * max_tokens) / _MILLION).quantize(_UNIT, rounding=ROUND_UP)
