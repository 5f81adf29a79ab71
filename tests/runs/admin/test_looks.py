"""What lists and forms look like: titles, labels, amounts and long notes, wherever rows are listed or written."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from runs.models import Budget, Limit, MessageBatch, Pause, RateLimit
from tests.runs.admin.rows import make_price

pytestmark = pytest.mark.django_db

MODELS = [model._meta for model in admin.site._registry]


def content_of(client, address):
    text = client.get(address).content.decode()
    return text[text.index('<div id="content"') :]


def labels_of(text):
    return [label.strip(" :") for label in re.findall(r"<label[^>]*>(.*?)</label>", text)]


def page_of(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.parametrize("meta", MODELS, ids=[meta.label for meta in MODELS])
def test_a_list_is_titled_by_its_plural(root_client, meta):
    text = root_client.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")).content.decode()

    title = meta.verbose_name_plural[0].upper() + meta.verbose_name_plural[1:]
    assert f"<h1>{title}</h1>" in text
    assert f"<title>{title} | agentops</title>" in text


def test_a_page_is_titled_by_what_it_shows(root_client, filled):
    for row in (filled["limits"]["batch"], filled["limits"]["ratelimit"], filled["tenant"]):
        text = content_of(root_client, page_of(row))
        assert f"<h1>{row}</h1>" in text and text.count("<h1>") == 1
        assert "<h2>" not in text[: text.index("<form")]

    assert "<h1>Add rate limit</h1>" in content_of(root_client, "/admin/runs/ratelimit/add/")


def test_the_way_back_from_a_page_is_its_list(root_client, filled):
    pages = {"/admin/runs/ratelimit/": ["Home"], page_of(filled["limits"]["ratelimit"]): ["Home", "Rate limits"]}
    pages |= {
        "/admin/runs/ratelimit/add/": ["Home", "Rate limits"],
        page_of(filled["limits"]["limit"]): ["Home", "Limits"],
    }

    for address, names in pages.items():
        crumbs = root_client.get(address).content.decode().split('<div class="breadcrumbs">')[1].split("</div>")[0]
        assert re.findall(r"<a [^>]*>(.*?)</a>", crumbs) == names


@pytest.mark.parametrize("name", ["budget", "ratelimit", "price"])
def test_no_label_is_the_name_of_a_column(root_client, filled, name):
    row = filled["limits"][name]
    shown = [content_of(root_client, address) for address in (page_of(row), f"/admin/runs/{name}/add/")]
    listed = content_of(root_client, f"/admin/runs/{name}/")

    labels = [label for text in shown for label in labels_of(text)]
    assert labels and not [label for label in labels if re.search(r"\b(usd|s|1h)$|^Is |Model class", label)]
    assert not re.search(r">[A-Z][^<]* (usd|s)<|>Is active", listed)


@pytest.mark.parametrize("name", ["budget", "ratelimit", "price"])
def test_a_new_row_is_asked_only_for_what_is_written(root_client, name):
    assert 'class="readonly"' not in content_of(root_client, f"/admin/runs/{name}/add/")


def test_amounts_are_written_as_people_write_them(root_client, tenant):
    budget = Budget.objects.create(tenant=tenant, limit_usd=9, period="day")
    in_force, to_come = make_price(), make_price(valid_from=timezone.now() + timedelta(days=1))

    assert 'name="limit_usd" value="9.00"' in content_of(root_client, page_of(budget))
    assert 'name="input_usd" value="2.00"' in content_of(root_client, page_of(to_come))
    assert '<div class="readonly">$2.00</div>' in content_of(root_client, page_of(in_force))
    assert '<td class="field-input_usd">$2.00</td>' in content_of(root_client, "/admin/runs/price/")


def test_more_decimals_are_kept_where_there_are_more(root_client):
    price = make_price(valid_from=timezone.now() + timedelta(days=1), input_usd="0.075")

    assert 'name="input_usd" value="0.075"' in content_of(root_client, page_of(price))


def test_a_long_note_is_clipped_in_lists_and_whole_at_hand(root_client, root, tenant):
    note = "A long reason. " * 20
    now = timezone.now()
    Limit.objects.create(most=1, note=note)
    RateLimit.objects.create(requests_per_minute=1, note=note[:300]), make_price(note=note[:300])
    Budget.objects.create(limit_usd=1, period="day", note=note[:300])
    Pause.objects.create(queue="agents", reason=note, paused_by=root, paused_at=now)
    MessageBatch.objects.create(requests=1, error=note, created_at=now, next_look_at=now)

    for name in ("limit", "ratelimit", "price", "budget", "pause", "messagebatch"):
        assert f'<span class="clip" title="{note[:300]}' in content_of(root_client, f"/admin/runs/{name}/"), name


def test_the_state_of_a_row_is_filtered_by_the_words_of_its_column(root_client):
    Limit.objects.create(most=1), Limit.objects.create(most=2, is_active=False)

    text = content_of(root_client, "/admin/runs/limit/?is_active=0")

    assert "State: <strong>Off</strong>" in text and "2 at once" in text and "1 at once" not in text
