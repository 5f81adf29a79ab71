"""The console's pages in four groups: every page of ours in one of them, and none that the user may not see."""

import re

import pytest
from django.contrib import admin

from runs.admin.site import GROUPS
from tests.runs.admin.conftest import signed_in
from tests.runs.admin.rows import make_user

pytestmark = pytest.mark.django_db


def groups_of(client):
    listed = client.get("/admin/").context["available_apps"]
    return {group["name"]: [model["object_name"] for model in group["models"]] for group in listed}


def test_the_table_names_each_registered_page_of_ours_once():
    named = [label for labels in GROUPS.values() for label in labels]
    ours = {
        model._meta.label for model in admin.site._registry if model._meta.app_label in ("runs", "deadletters", "auth")
    }

    assert sorted(named) == sorted(ours)


def test_the_groups_come_in_order_with_their_pages_and_other_apps_follow(root_client):
    groups = groups_of(root_client)

    assert list(groups) == ["Operate", "Capacity", "Automate", "Govern", "Support desk (example)"]
    assert groups["Operate"] == [
        "Run", "PendingAction", "LetterGroup", "DeadLetter", "Redrive", "MessageBatch", "Artifact",
    ]  # fmt: skip
    assert groups["Govern"][-5:] == ["Membership", "User", "Group", "ApiToken", "Mail"]


def test_a_group_of_which_the_user_sees_nothing_is_not_there(tenant):
    reader = make_user("rita", tenant=tenant, perms=("runs.view_run", "runs.view_limit"))

    assert groups_of(signed_in(reader)) == {"Operate": ["Run"], "Capacity": ["Limit"]}


def test_a_group_has_no_page_to_link_and_another_app_has(root_client):
    text = root_client.get("/admin/runs/run/").content.decode()

    captions = [" ".join(caption.split()) for caption in re.findall(r"<caption>(.*?)</caption>", text, re.DOTALL)]
    assert captions[:4] == ["Operate", "Capacity", "Automate", "Govern"]
    assert '<a href="/admin/support_desk/"' in captions[4]


def test_the_page_that_one_is_on_is_marked_once(root_client):
    text = root_client.get("/admin/runs/limit/").content.decode()

    assert text.count('aria-current="page"') == 1
    assert re.search(r'<a href="/admin/runs/limit/" aria-current="page">Limits', text)


def test_the_page_of_an_app_lists_its_models_in_the_order_of_the_groups(root_client):
    app = root_client.get("/admin/runs/").context["app_list"]

    assert [group["name"] for group in app] == ["Runs"]
    assert [model["object_name"] for model in app[0]["models"]][:3] == ["Run", "PendingAction", "MessageBatch"]
