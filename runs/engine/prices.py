"""Find the tariff of a model: the operator's newest row in force, else genai-prices (offline), else none."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version

from genai_prices import extract_usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

from runs.engine.tariff import Level, Rates, Tariff
from runs.errors import UnknownPriceError
from runs.models import PROVIDER, Price
from runs.models.price import PREFIX
from runs.ttl_cache import TTLCache

LIST_VERSION = f"genai-prices {version('genai-prices')}"
_NO_USAGE = {"input_tokens": 0, "output_tokens": 0}
_SHORTEST = -1  # shorter than every prompt


@dataclass(frozen=True, slots=True)
class _PriceRow:
    """An operator's row, as read from the database."""

    model: str
    valid_from: datetime
    tariff: Tariff

    def rank(self, model: str) -> tuple[bool, int, datetime] | None:
        """Rank this row among those that match the model: exact before prefix, long before short, then the newest."""
        if self.model == model:
            return True, 0, self.valid_from
        beginning = self.model.removesuffix(PREFIX)
        named = beginning != self.model and model.startswith(beginning)
        return (False, len(beginning), self.valid_from) if named else None


def tariff_of(model: str, *, at: datetime) -> Tariff:
    """Find what a model costs at a time. Cheap, since every step asks.

    Raises: UnknownPriceError if no price is known.
    """
    named = ((row.rank(model), row) for row in _rows() if row.valid_from <= at)
    ranked = [(rank, row) for rank, row in named if rank]
    if ranked:
        return max(ranked, key=lambda one: one[0])[1].tariff
    return listed_tariff(model, at.astimezone(UTC).date())


@lru_cache(maxsize=1024)
def listed_tariff(model: str, day: date) -> Tariff:
    """Read a model's tariff from genai-prices, whose prices may start on a given day.

    Raises: UnknownPriceError.
    """
    at = datetime.combine(day, time(), UTC)
    info = _info(model)
    standard, batch = info.get_prices(at), info.get_prices(at, {"processing": "batch"})
    if standard.input_mtok is None or standard.output_mtok is None:
        raise _unknown(model)
    starts = {tier.start for price in _prices_of(standard, batch) for tier in price.tiers}
    levels = (Level(over, _rates(standard, over), _rates(batch, over)) for over in [_SHORTEST, *sorted(starts)])
    return Tariff(LIST_VERSION, tuple(levels))


def is_listed(model: str, day: date) -> bool:
    """Say whether genai-prices has a price for a model on a day."""
    try:
        listed_tariff(model, day)
    except UnknownPriceError:
        return False
    return True


def listed_models() -> list[str]:
    """List the provider's models that genai-prices knows."""
    providers = get_snapshot().providers
    return [model.id for provider in providers if provider.id == PROVIDER for model in provider.models]


def _info(model: str) -> ModelInfo:
    try:
        info = extract_usage({"model": model, "usage": _NO_USAGE}, provider_id=PROVIDER).model
    except LookupError as error:
        raise _unknown(model) from error
    if info is None:
        raise _unknown(model)
    return info


def _unknown(model: str) -> UnknownPriceError:
    return UnknownPriceError(
        f"no price is known for the model {model!r}, so it is not asked; "
        "add one in the console under Prices, or update genai-prices"
    )


def _prices_of(*of: ModelPrice) -> list[TieredPrices]:
    return [price for prices in of for price in vars(prices).values() if isinstance(price, TieredPrices)]


def _rates(prices: ModelPrice, over: int) -> Rates:
    """Take the rates of one level; a kind without a price of its own costs the same as the kind above it."""
    plain = _at(prices.input_mtok, over) or Decimal(0)
    write = _at(prices.cache_write_mtok, over)
    write = plain if write is None else write
    write_1h, read = _at(prices.cache_write_1h_mtok, over), _at(prices.cache_read_mtok, over)
    return Rates(
        input=plain,
        output=_at(prices.output_mtok, over) or Decimal(0),
        cache_read=plain if read is None else read,
        cache_write=write,
        cache_write_1h=write if write_1h is None else write_1h,
        web_searches=_at(prices.web_searches_kcount, over) or Decimal(0),
    )


def _at(price: Decimal | TieredPrices | None, over: int) -> Decimal | None:
    if not isinstance(price, TieredPrices):
        return price
    return next((tier.price for tier in reversed(price.tiers) if tier.start <= over), price.base)


def _read_all() -> tuple[_PriceRow, ...]:
    # Newest first: of rows that start at the same moment, the first one wins.
    return tuple(_read(price) for price in Price.objects.filter(provider=PROVIDER).order_by("-pk"))


def _read(price: Price) -> _PriceRow:
    standard = Rates(
        input=price.input_usd,
        output=price.output_usd,
        cache_read=price.cache_read_usd,
        cache_write=price.cache_write_usd,
        cache_write_1h=price.cache_write_1h_usd,
        web_searches=price.web_searches_usd,
    )
    level = Level(_SHORTEST, standard, standard.times(price.batch_factor))
    return _PriceRow(price.model, price.valid_from, Tariff(f"price row {price.pk}", (level,)))


_rows = TTLCache("the price rows", _read_all)
forget_rows = _rows.clear
