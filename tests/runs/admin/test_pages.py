"""Every registered page, on an empty and on a filled database."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from runs.admin.kit.verbs import PageAdmin
from tests.runs.admin.rows import HOSTILE

pytestmark = pytest.mark.django_db

MODELS = [model._meta for model in admin.site._registry]
NAMES = [f"{meta.app_label}_{meta.model_name}" for meta in MODELS]


@pytest.mark.parametrize("name", NAMES)
def test_a_list_answers_on_an_empty_database(root_client, name):
    assert root_client.get(reverse(f"admin:{name}_changelist")).status_code == 200


@pytest.mark.parametrize("meta", MODELS, ids=NAMES)
def test_a_list_and_its_pages_answer_on_a_filled_database(root_client, filled, meta):
    name = f"admin:{meta.app_label}_{meta.model_name}"

    listed = root_client.get(reverse(f"{name}_changelist"))
    pages = [root_client.get(reverse(f"{name}_change", args=[row.pk])) for row in meta.model.objects.all()[:30]]

    assert listed.status_code == 200
    assert [page.status_code for page in pages] == [200] * len(pages)


@pytest.mark.parametrize("page", [one for one in admin.site._registry.values() if isinstance(one, PageAdmin)])
def test_pages_of_our_own_show_utc_whatever_the_time_zone_of_the_project(root_client, filled, page):
    for row in page.model.objects.all()[:30]:
        address, times = page.page_of(row), []
        for zone in ("UTC", "Asia/Tokyo"):
            with timezone.override(zone):
                times.append(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", root_client.get(address).content.decode()))
        assert times[0] == times[1]


@pytest.mark.parametrize("address", ["/admin/", "/admin/runs/", "/admin/deadletters/"])
def test_the_index_answers(root_client, filled, address):
    assert root_client.get(address).status_code == 200


@pytest.mark.parametrize("app", ["django_q", "django_rq"])
@pytest.mark.parametrize("rest", ["", "schedule/", "schedule/add/", "dashboard/", "dashboard/stats.json"])
def test_the_pages_of_the_queues_are_gone(root_client, app, rest):
    assert root_client.get(f"/admin/{app}/{rest}").status_code == 404


def test_hostile_text_is_shown_as_text(root_client, filled):
    pages = [
        reverse("admin:runs_run_change", args=[filled["completed"].pk]),
        reverse("admin:runs_run_change", args=[filled["letter"].run_id]),
        reverse("admin:runs_run_change", args=[filled["question"].run_id]),
        reverse("admin:runs_pendingaction_change", args=[filled["question"].pk]),
        reverse("admin:runs_pendingaction_changelist"),
        reverse("admin:deadletters_deadletter_changelist"),
        reverse("admin:deadletters_deadletter_change", args=[filled["letter"].pk]),
        reverse("admin:runs_mail_changelist"),
        reverse("admin:runs_budget_changelist"),
        reverse("admin:runs_tenant_changelist"),
        reverse("admin:runs_tenant_change", args=[filled["evil"].pk]),
        reverse("admin:runs_definition_change", args=[filled["completed"].definition_id]),
    ]

    for page in pages:
        text = root_client.get(page).content.decode()
        assert "&lt;img src=x" in text, page
        assert "<img src=x" not in text, page
        assert HOSTILE not in text, page


def test_an_empty_list_says_what_to_do(root_client):
    page = root_client.get(reverse("admin:runs_run_changelist"))

    assert "manage.py run NAME --input JSON" in page.content.decode()


def test_a_search_without_a_match_does_not_claim_that_there_are_no_runs(root_client, filled):
    page = root_client.get(reverse("admin:runs_run_changelist"), {"q": "nothing"}).content.decode()

    assert "Nothing to show here" in page
    assert "No runs yet" not in page


def test_the_offline_model_is_announced(root_client, settings):
    assert "Offline model" not in root_client.get("/admin/").content.decode()

    settings.AGENTOPS = {**settings.AGENTOPS, "offline_model": True}

    assert "Offline model" in root_client.get("/admin/").content.decode()


def test_no_page_shows_a_token_hash_or_offers_to_add_one(root_client, filled):
    token = filled["tenant"].tokens.get()
    listed = root_client.get(reverse("admin:runs_apitoken_changelist")).content.decode()
    page = root_client.get(reverse("admin:runs_apitoken_change", args=[token.pk])).content.decode()

    assert token.hash not in listed + page
    assert "manage.py token" in listed
    probed = root_client.get(reverse("admin:runs_apitoken_changelist"), {"hash__startswith": token.hash[0]})
    assert probed.status_code == 400
    assert root_client.get(reverse("admin:runs_apitoken_add")).status_code == 403


def test_an_artifact_is_downloaded_as_plain_text(root_client, filled):
    response = root_client.get(reverse("admin:runs_artifact_download", args=[filled["artifact"].pk]))

    assert b"".join(response.streaming_content) == b"long " * 1000
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
