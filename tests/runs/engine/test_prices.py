"""Which tariff holds: the operator's newest row in force, the exact name before a prefix, else genai-prices."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection

from runs import clock
from runs.engine.prices import LIST_VERSION, tariff_of
from runs.engine.provider import Answer, answered_by
from runs.engine.tariff import used
from runs.errors import UnknownPriceError
from runs.models import ModelCall, Price, Run
from tests.runs.api.conftest import say

pytestmark = pytest.mark.django_db

MODEL = "claude-sonnet-5-5"
A_MILLION = used({"input_tokens": 1_000_000})


def price(model=MODEL, usd=7, *, from_s=-1, **columns):
    rates = dict.fromkeys(("output_usd", "cache_read_usd", "cache_write_usd", "cache_write_1h_usd"), usd)
    begins = {"valid_from": clock.now() + timedelta(seconds=from_s)}
    return Price.objects.create(model=model, input_usd=usd, **(rates | begins | columns))


def costs(model=MODEL, **more):
    return tariff_of(model, at=clock.now()).charge(A_MILLION, **more).cost_usd


def test_without_a_row_the_price_list_holds_and_says_its_version():
    assert (costs(), tariff_of(MODEL, at=clock.now()).version) == (2, LIST_VERSION)


def test_an_edit_holds_within_a_second():
    assert costs() == 2
    row = price(usd=7)

    clock.advance(1.1)

    assert (costs(), tariff_of(MODEL, at=clock.now()).version) == (7, f"price row {row.pk}")


def test_within_that_second_nothing_is_asked(django_assert_num_queries):
    now = clock.now()
    tariff_of(MODEL, at=now)

    with django_assert_num_queries(0):
        tariff_of(MODEL, at=now)


def test_the_newest_row_in_force_holds_and_a_future_one_waits():
    price(usd=5, from_s=-60)
    price(usd=6, from_s=-30)
    price(usd=9, from_s=30)

    assert costs() == 6
    clock.advance(31)
    assert costs() == 9


def test_of_two_rows_from_the_same_moment_the_later_one_holds():
    at = clock.now()
    price(usd=5, valid_from=at), price(usd=6, valid_from=at)

    assert costs() == 6


def test_an_exact_name_outranks_a_prefix_and_a_long_prefix_a_short_one():
    price("claude-*", 3)
    price("claude-sonnet-*", 4)
    price("claude-opus-5-5", 5, from_s=-60)

    assert (costs("claude-haiku-4-5"), costs("claude-sonnet-5-5"), costs("claude-opus-5-5")) == (3, 4, 5)


def test_a_row_makes_a_model_known_that_genai_prices_does_not_know():
    with pytest.raises(UnknownPriceError):
        costs("in-house-1")
    price("in-house-*", 1)
    clock.advance(1.1)

    assert costs("in-house-1") == 1


def test_a_row_has_a_price_for_batches_where_searches_cost_the_same():
    price(usd=8, batch_factor=Decimal("0.25"))
    searched = used({"input_tokens": 1_000_000, "server_tool_use": {"web_search_requests": 100}})

    charge = tariff_of(MODEL, at=clock.now()).charge(searched, batch=True)

    assert (charge.cost_usd, charge.saved_by_batch_usd) == (3, 6)


def test_another_providers_row_says_nothing_about_ours():
    price(usd=9, provider="bedrock")

    assert costs() == 2


def test_with_the_database_away_the_rows_of_a_moment_ago_hold(monkeypatch):
    price(usd=7)
    now = clock.now()
    assert costs() == 7
    clock.advance(1.1)

    def away(*_, **__):
        raise DatabaseError("gone")

    with connection.execute_wrapper(away):
        assert tariff_of(MODEL, at=now).charge(A_MILLION).cost_usd == 7


def test_a_call_keeps_the_version_it_was_priced_by(offline, post, work):
    row = price(usd=8)
    offline({"turns": [say("Hello.")]})
    run = post("clerk")

    work()

    call = ModelCall.objects.get(run=run)
    assert call.price_version == f"price row {row.pk}" and call.tier == "standard"
    assert call.cost_usd == Run.objects.get(pk=run.pk).cost_usd
    assert call.cost_usd == Decimal(call.input_tokens + call.output_tokens + call.cache_write_tokens) * 8 / 1_000_000


def test_a_call_keeps_its_searches_and_what_its_cache_saved(post, work):
    usage = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 100_000}
    hour = {"cache_creation_input_tokens": 10_000, "cache_creation": {"ephemeral_1h_input_tokens": 10_000}}
    searched = {"server_tool_use": {"web_search_requests": 3}}

    def answer(request, **_):
        message = {"id": "msg_1", "model": request["model"], "stop_reason": "end_turn", **say("Found.")}
        return Answer(message=message | {"usage": usage | hour | searched}, request_id="req_1")

    with answered_by(answer):
        post("clerk"), work()

    call = ModelCall.objects.get()
    assert (call.cache_write_tokens, call.web_searches) == (10_000, 3)
    assert call.cost_usd == Decimal("0.01") + Decimal("0.04") + Decimal("0.03")
    assert call.saved_by_cache_usd == Decimal("0.22") - Decimal("0.05"), (
        "plain input less what reading and writing cost"
    )
    assert call.saved_by_batch_usd == 0
