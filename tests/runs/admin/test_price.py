"""Prices in the console: added by whoever may, edited only before they are in force."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from runs import clock
from runs.models import Price
from tests.runs.admin.conftest import signed_in
from tests.runs.admin.rows import make_price, make_user

LIST = "/admin/runs/price/"
ADD = f"{LIST}add/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(tenant):
    return make_user("kim", tenant=tenant, perms=tuple(f"runs.{verb}_price" for verb in ("view", "add", "change")))


def form(**columns):
    rates = dict.fromkeys(
        ("input_usd", "output_usd", "cache_read_usd", "cache_write_usd", "cache_write_1h_usd", "web_searches_usd"),
        "2.5",
    )
    moment = {"valid_from_0": "2026-03-01", "valid_from_1": "00:00:00"}
    return {
        "provider": "anthropic",
        "model": "claude-*",
        "batch_factor": "0.5",
        "note": "",
        **rates,
        **moment,
        **columns,
    }


def page(price):
    return reverse("admin:runs_price_change", args=[price.pk])


def test_whoever_may_add_prices_is_noted_as_who_has(keeper):
    answer = signed_in(keeper).post(ADD, form(), follow=True)

    row = Price.objects.get()
    assert answer.status_code == 200 and row.input_usd == Decimal("2.5") and row.created_by == keeper


def test_whoever_may_only_read_records_adds_none(reader_client):
    assert reader_client.post(ADD, form()).status_code == 403
    assert reader_client.get(LIST).status_code == 403


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"model": "claude-*-5"}, "model"),
        ({"input_usd": "-1"}, "input_usd"),
        ({"batch_factor": "0"}, "batch_factor"),
        ({"batch_factor": "1.5"}, "batch_factor"),
    ],
)
def test_what_is_no_price_is_refused_at_its_field(root_client, columns, field):
    answer = root_client.post(ADD, form(**columns))

    assert answer.status_code == 200 and field in answer.context["adminform"].form.errors
    assert not Price.objects.exists()


def test_a_price_in_force_is_neither_edited_nor_deleted(root_client):
    price = make_price()

    assert root_client.post(page(price), form(model="other")).status_code == 403
    assert root_client.post(reverse("admin:runs_price_delete", args=[price.pk]), {"post": "yes"}).status_code == 403
    assert "add a newer row" in root_client.get(LIST).content.decode()
    assert root_client.get(page(price)).status_code == 200 and Price.objects.get().model == price.model


def test_a_price_to_come_may_still_be_edited_and_deleted(root_client):
    price = make_price(valid_from=clock.now() + timedelta(days=1))

    root_client.post(page(price), form(model="other"))
    assert Price.objects.get().model == "other"

    price = make_price(valid_from=clock.now() + timedelta(days=1))
    root_client.post(reverse("admin:runs_price_delete", args=[price.pk]), {"post": "yes"})
    assert not Price.objects.filter(pk=price.pk).exists()


def test_an_empty_list_says_whose_prices_hold(root_client):
    assert "those of genai-prices hold" in root_client.get(LIST).content.decode()
