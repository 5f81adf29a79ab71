"""No page of the console answers 500, whatever stands in its address, in a form or in the choice of a bulk action."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import Http404
from django.urls import reverse

from tests.runs.admin.addresses import malformed, page_of, real, routes
from tests.runs.admin.conftest import signed_in
from tests.runs.admin.rows import make_user

pytestmark = pytest.mark.django_db

NONSENSE = ["abc", "9" * 40, "a\x00b"]
PAGES = list(admin.site._registry.values())


@pytest.fixture(params=["superuser", "staff", "viewer"])
def client(request, root, tenant):
    if request.param == "superuser":
        client = signed_in(root)
    else:
        user = make_user("vera", tenant=tenant)
        views = Permission.objects.filter(codename__startswith="view_")
        user.user_permissions.set(Permission.objects.all() if request.param == "staff" else views)
        client = signed_in(user)
    client.raise_request_exception = False
    client.number = ["superuser", "staff", "viewer"].index(request.param)
    return client


def is_500(client: Any, method: str, address: str, data: dict[str, Any] | None = None) -> bool:
    """Ask, and undo what was done: the next request finds the same rows and the same session."""
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    with transaction.atomic():
        answer = getattr(client, method)(address, data)
        transaction.set_rollback(True)
    client.cookies.load(cookies)
    return answer.status_code >= 500


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


ROUTES = routes()
SHARE = 18  # one of so many questions is asked, another one at each address and by each client; 1 asks them all


def some(questions: Sequence[Any], number: int, client: Any, *, share: int = SHARE) -> Sequence[Any]:
    """Choose a share of the questions, in turn."""
    return questions[(number + client.number) % share :: share]


def test_every_address_is_known():
    assert len(ROUTES) > 200 and {"admin/runs/run/<uuid:pk>/cancel/", "admin/autocomplete/"} <= set(ROUTES)
    assert any(address == "/admin/runs/run/1/1/change/" for route in ROUTES for address in malformed(route))


def test_no_malformed_id_is_500(client):
    bad = []
    for number, route in enumerate(ROUTES):
        addresses = some(list(malformed(route)), number, client)
        bad += [one for one in addresses if is_500(client, "get", one)]
        bad += [one for one in addresses[::3] if is_500(client, "post", one, {"confirmed": "yes", "post": "yes"})]

    assert bad == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.opts.label_lower)
def test_a_nul_is_asked_of_no_database(page, rf, root, django_assert_num_queries):
    """PostgreSQL refuses it, whatever the column, and SQLite does not."""
    request = rf.get("/")
    request.user = root

    with django_assert_num_queries(0):
        with suppress(Http404):
            assert page.get_object(request, "a\x00b") is None
        with pytest.raises(BadRequest):
            page.get_search_results(request, page.model._default_manager.all(), "a\x00b")


QUERIES = """
_changelist_filters=%00 _changelist_filters=q%3D%00 _changelist_filters=%ff e=1 e=%00 =1 %00=1 __=1 a__b=1
o=1.2.3.-4 o=%00 o=--1 o=. o=9999 o=%C2%B2 all=%00 _facets=True _facets=%00 _popup=1 _popup=%00 _saveasnew=1
p=%00 p=abc p=-1 p=0 p=%C2%B2 q=%00 q=a%00b q=%27%22%5C%25 q=%22a%00%22 q=%ff q=%ed%a0%80
_to_field=id _to_field=%00 _to_field=password _popup=1&_to_field=tenant__slug id=%00 pk__in=abc
tenant__id__exact=%00 tenant__id__exact=abc tenant__id__in=1,2 tenant__isnull=x status__exact=%00 status__in=%00
is_active__exact=x is_superuser__exact=%00 groups__id__exact=x created_at__gte=abc created_at__gte=%00
created_at__year=99999999 created_at__year=2026&created_at__month=13 created_at__day=x
created_at__gte=0001-01-01+00:00:00%2B14:00 created_at__lt=9999-12-31+23:59:59-14:00
tab=%00 view=%00 from=%00 from=%D9%A1 refresh=%00 page=%00 next=%00 url=%00 term=%00
app_label=%00&model_name=%00&field_name=%00 app_label=auth&model_name=user&field_name=password
app_label=runs&model_name=membership&field_name=user&term=%00
app_label=runs&model_name=membership&field_name=user&page=x
""".split()
QUERIES += [f"{name}={text}" for name in ("o", "p", "q", "tenant__id__exact") for text in ("9" * 5000, "x+" * 200)]


def test_no_malformed_query_is_500(client, filled):
    bad = []
    for number, route in enumerate(ROUTES):
        address = real(route)
        is_list = page_of(route) is None or route.endswith(f"/{page_of(route).opts.model_name}/")
        for query in some(QUERIES, number, client, share=SHARE if is_list else 3 * SHARE):
            bad += [f"{address}?{query}"] if is_500(client, "get", f"{address}?{query}") else []

    assert bad == []


WORDS = ["\x00", "a\x00b", "9" * 5000, "-1", "\u0661", "nan", "1e400", "1e25", "[" * 2000, "x" * 4000, "9999-99-99", ""]
WORDS += ["abc", "0001-01-01 00:00:00", "9999-12-31T23:59:59", '"\\ud800"', "{}", '{"a": NaN}', "\ufffe"]


def test_no_malformed_form_is_500(client, filled):
    """Whatever the pages of a model ask for is posted to all of its addresses, with every nonsense."""
    bad, names = [], {}
    for number, route in enumerate(ROUTES):
        page, address = page_of(route), real(route)
        if page not in names:
            shown = [real(one) for one in ROUTES if page_of(one) is page and not one.endswith("history/")]
            names[page] = set(filter(None, {name for one in shown for name in fields_of(client, one)}))
        for word in some(WORDS, number, client):
            data = dict.fromkeys(names[page], word) | {"confirmed": "yes", "post": "yes"}
            bad += [(address, word[:20])] if is_500(client, "post", address, data) else []

    assert bad == []


def fields_of(client: Any, address: str) -> Iterator[str]:
    answer = client.get(address)
    if not answer.streaming and answer.status_code == 200:
        yield from re.findall(r'name="([^"]+)"', answer.content.decode())
