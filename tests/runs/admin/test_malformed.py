"""No list of the console answers 500, whatever stands in its address or in the choice of a bulk action."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.runs.admin.conftest import signed_in
from tests.runs.admin.rows import make_user

pytestmark = pytest.mark.django_db

NONSENSE = ["abc", "9" * 40, "a\x00b"]
PAGES = list(admin.site._registry.values())


@pytest.fixture(params=["superuser", "staff"])
def client(request, root, tenant):
    if request.param == "superuser":
        client = signed_in(root)
    else:
        user = make_user("vera", tenant=tenant)
        user.user_permissions.set(Permission.objects.all())
        client = signed_in(user)
    client.raise_request_exception = False
    return client


def test_no_bulk_action_is_500(client):
    bad = []
    for page in PAGES:
        address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
        actions = [getattr(one, "__name__", one) for one in page.actions or ()]
        for action in ("delete_selected", *actions):
            for chosen in NONSENSE:
                answer = client.post(address, {"action": action, "_selected_action": [chosen], "index": "0"})
                bad += [(address, action, chosen)] if answer.status_code >= 500 else []

    assert bad == []


def test_no_filter_search_or_page_is_500(client):
    bad = []
    for page in PAGES:
        address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
        for number, name in enumerate(["q", "p", "o", "page", "_to_field", *filters(page)]):
            for suffix in ("", "__exact", "__id__exact"):
                answer = client.get(address, {name + suffix: NONSENSE[number % 3]})
                bad += [(address, name + suffix)] if answer.status_code >= 500 else []

    assert bad == []


def filters(page: Any) -> list[str]:
    names = [one[0] if isinstance(one, tuple | list) else one for one in page.list_filter]
    return [str(getattr(name, "parameter_name", name)) for name in names]


ADDRESSES = [
    *("r/1/1/", "r/abc/1/", "r/1/abc/", "runs/run/not-a-uuid/change/", "runs/run/abc/history/", "autocomplete/"),
    *("runs/limit/999999999999999999999999/change/", "jsi18n/"),
]


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_address_is_500(client, path):
    assert client.get(f"/admin/{path}").status_code < 500
