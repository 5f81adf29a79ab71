"""Tokens to money. Prices come from genai-prices, offline; an unknown price is an error, never zero."""

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from genai_prices import extract_usage

from runs.errors import UnknownPriceError

PRICE_VERSION = f"genai-prices {version('genai-prices')}"
_UNIT = Decimal("0.00000001")
_ROUNDED_UP_TO = 256  # tokens of a reserve
_CHARS_PER_TOKEN = 3  # deliberately few: a reserve must not be too small


def usage_columns(usage: Mapping[str, Any]) -> dict[str, int]:
    """Read the provider's usage as our four columns.

    Shape: the provider's `input_tokens` leaves cached tokens out already; the four kinds are disjoint.
    """
    return {
        "input_tokens": int(usage.get("input_tokens") or 0),
        "output_tokens": int(usage.get("output_tokens") or 0),
        "cache_read_tokens": int(usage.get("cache_read_input_tokens") or 0),
        "cache_write_tokens": int(usage.get("cache_creation_input_tokens") or 0),
    }


def cost_usd(model: str, usage: Mapping[str, Any]) -> Decimal:
    """Price a provider's usage, in the provider's own shape.

    Raises: UnknownPriceError if the model has no price.
    """
    try:
        price = extract_usage({"model": model, "usage": usage}, provider_id="anthropic").calc_price()
    except LookupError as error:
        raise UnknownPriceError(f"no price is known for the model {model!r}, so it is not asked") from error
    return Decimal(price.total_price).quantize(_UNIT, rounding=ROUND_UP)


def reserve_usd(model: str, *, body_chars: int, max_tokens: int) -> Decimal:
    """Price the worst case of a request: all of it written to the cache, all of `max_tokens` answered.

    Raises: UnknownPriceError.
    """
    tokens = body_chars // _CHARS_PER_TOKEN + 1
    return _worst_case_usd(model, -(-tokens // _ROUNDED_UP_TO) * _ROUNDED_UP_TO, max_tokens)


@lru_cache(maxsize=4096)
def _worst_case_usd(model: str, tokens: int, max_tokens: int) -> Decimal:
    """Price a worst case; rounded up, since the price table takes longer to ask than the step to commit."""
    return cost_usd(model, {"input_tokens": 0, "cache_creation_input_tokens": tokens, "output_tokens": max_tokens})
