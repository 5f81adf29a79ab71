"""Flat rates are exact to genai-prices, for every Claude model that it knows and at every length of prompt."""

from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal

import pytest
from genai_prices import data_snapshot, extract_usage
from hypothesis import given
from hypothesis import strategies as st

from runs.engine.prices import listed_tariff
from runs.engine.tariff import Tariff, Used, used
from runs.errors import UnknownPriceError
from runs.models.fields import dump_json

NOW = datetime.now(UTC)
(CLAUDE,) = [one.models for one in data_snapshot.get_snapshot().providers if one.id == "anthropic"]
MODELS = sorted(model.id for model in CLAUDE)
TIERED = "claude-haiku-5-5"  # dearer over 100,000 tokens
PLAIN = "claude-sonnet-5-5"
TOKENS = st.integers(0, 5_000) | st.integers(0, 2_000_000) | st.sampled_from([99_999, 100_000, 100_001, 200_000])


def tariff(model: str) -> Tariff:
    return listed_tariff(model, NOW.date())


def by_genai_prices(model, usage, *, batch):
    asked = extract_usage({"model": model, "usage": usage}, provider_id="anthropic")
    context = {"processing": "batch"} if batch else None
    price = asked.calc_price(genai_request_timestamp=NOW, price_context=context)
    return price.total_price.quantize(Decimal("0.00000001"), rounding=ROUND_UP)


@st.composite
def usages(draw):
    short, hour = draw(TOKENS), draw(st.just(0) | TOKENS)
    usage = {
        "input_tokens": draw(TOKENS),
        "output_tokens": draw(TOKENS),
        "cache_read_input_tokens": draw(TOKENS),
        "cache_creation_input_tokens": short + hour,
    }
    if hour or draw(st.booleans()):
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": hour}
    if draw(st.booleans()):
        usage["server_tool_use"] = {"web_search_requests": draw(st.integers(0, 50))}
    return usage


@given(model=st.sampled_from(MODELS), usage=usages(), batch=st.booleans())
def test_flat_rates_cost_what_genai_prices_says(model, usage, batch):
    assert tariff(model).charge(used(usage), batch=batch).cost_usd == by_genai_prices(model, usage, batch=batch)


@pytest.mark.parametrize("tokens", [0, 1, 99_999, 100_000, 100_001])
def test_a_longer_prompt_costs_its_own_rates_for_the_whole_request(tokens):
    usage = {"input_tokens": 0, "cache_read_input_tokens": tokens, "output_tokens": 10}

    assert tariff(TIERED).charge(used(usage)).cost_usd == by_genai_prices(TIERED, usage, batch=False)


def test_a_usage_may_lack_everything_or_say_null():
    assert used({}) == used({"input_tokens": None, "cache_creation": None, "server_tool_use": None})
    assert tariff(PLAIN).charge(used({})).cost_usd == 0


def test_writes_told_only_by_their_lifetime_are_not_lost():
    assert used({"cache_creation": {"ephemeral_1h_input_tokens": 7}}).cache_write_tokens == 7


@given(model=st.sampled_from(MODELS), usage=usages())
def test_what_is_saved_is_the_way_from_the_plain_price_to_the_cost(model, usage):
    plain = {**usage, "input_tokens": used(usage).prompt_tokens, "cache_read_input_tokens": 0}
    plain |= {"cache_creation_input_tokens": 0, "cache_creation": None}

    charge = tariff(model).charge(used(usage), batch=True)

    whole = charge.cost_usd + charge.saved_by_batch_usd + charge.saved_by_cache_usd
    assert whole == by_genai_prices(model, plain, batch=False)


def test_a_cache_that_is_written_and_never_read_saves_less_than_nothing():
    charge = tariff(PLAIN).charge(used({"cache_creation_input_tokens": 1_000_000}))

    assert (charge.cost_usd, charge.saved_by_cache_usd) == (Decimal("2.5"), Decimal("-0.5"))


@given(model=st.sampled_from(MODELS), usage=usages())
def test_a_reserve_covers_every_way_to_bill_its_prompt(model, usage):
    for ttl in ("5m", "1h"):
        prompt = used(usage)
        body = dump_json({"cache_control": {"type": "ephemeral", "ttl": ttl}}).ljust(prompt.prompt_tokens * 2, "x")
        cost = {**usage, "cache_creation": None} if ttl == "5m" else usage

        reserve = tariff(model).reserve_usd(body, max_tokens=prompt.output_tokens)

        assert reserve >= tariff(model).charge(used({**cost, "server_tool_use": None})).cost_usd


def test_a_reserve_covers_a_text_in_which_every_character_is_a_token():
    text = "航空会社の規約を説明してください。" * 2000

    reserve = tariff(PLAIN).reserve_usd(dump_json({"text": text}), max_tokens=4096)

    assert reserve >= tariff(PLAIN).charge(Used(cache_write_tokens=len(text), output_tokens=4096)).cost_usd


@pytest.mark.parametrize("prompt_bytes", [290_000, 130_000])
def test_a_reserve_covers_the_dearer_level_that_a_dense_text_may_reach(prompt_bytes):
    dense = Used(cache_write_tokens=prompt_bytes * 2 // 5, output_tokens=1000)
    dearer = tariff(TIERED).levels[-1].standard

    assert tariff(TIERED).reserve_usd("x" * prompt_bytes, max_tokens=1000) >= dearer.cost_usd(dense)


def test_a_prompt_that_cannot_reach_the_dearer_level_is_reserved_at_the_cheaper():
    reserve = tariff(TIERED).reserve_usd("x" * 100_000, max_tokens=0)

    assert reserve < tariff(TIERED).levels[-1].standard.cost_usd(Used(cache_write_tokens=50_000)) / 4


def test_a_text_that_speaks_of_an_hour_asks_for_none():
    said = dump_json({"text": '{"ttl":"1h"}'})

    dear = tariff(PLAIN).reserve_usd('{"text":{"ttl":"1h"}}  ', max_tokens=0)

    assert tariff(PLAIN).reserve_usd(said, max_tokens=0) < dear


@pytest.mark.parametrize("model", ["claude-nobody", "", "gpt-5"])
def test_an_unknown_model_has_no_price_and_the_refusal_says_what_to_do(model):
    with pytest.raises(UnknownPriceError, match="under Prices"):
        tariff(model)
