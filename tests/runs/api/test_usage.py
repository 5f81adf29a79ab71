"""`GET /api/v1/usage/`: the tenant's own spending, by the keys asked for, as JSON or CSV."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from runs import clock
from tests.runs.api.conftest import assert_problem
from tests.runs.ledger import spend

USAGE = "/api/v1/usage/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def spent(post, post_foreign):
    run, now = post("clerk"), clock.now()
    spend(run, at=now - timedelta(minutes=5), cost="0.25")
    spend(run, at=now - timedelta(days=3), cost="1.50", model="claude-opus-5-5")
    spend(post_foreign(), at=now - timedelta(minutes=5), cost="9")


def test_it_tells_the_tenants_own_costs_by_model_of_thirty_days(api, spent):
    document = api.get(USAGE).json()

    assert document.keys() == {"by", "since", "until", "results", "next", "total"}
    assert [(row["model"], row["cost_usd"]) for row in document["results"]] == [
        ("claude-opus-5-5", "1.5"),
        ("claude-sonnet-5-5", "0.25"),
    ]
    assert (document["total"]["calls"], document["total"]["cost_usd"]) == (2, "1.75")


def test_no_key_shows_another_tenant(api, spent):
    assert [row["tenant"] for row in api.get(f"{USAGE}?by=tenant").json()["results"]] == ["acme"]


def test_keys_and_times_narrow_it(api, spent):
    now = clock.now()
    since, until = (quote((now - timedelta(days=days)).isoformat()) for days in (4, 2))

    (row,) = api.get(f"{USAGE}?by=job_type,status&since={since}&until={until}").json()["results"]

    assert (row["job_type"], row["status"], row["cost_usd"]) == ("clerk", "settled", "1.5")
    assert api.get(f"{USAGE}?since=1d").json()["total"]["cost_usd"] == "0.25"


@pytest.mark.parametrize("ask", [{"path": f"{USAGE}?format=csv"}, {"path": USAGE, "Accept": "text/csv"}])
def test_it_is_csv_for_whoever_asks_for_it(api, spent, ask):
    answer = api.get(**ask)

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    names, first, _ = answer.content.decode().splitlines()
    assert names.startswith("model,calls,") and first.startswith("claude-opus-5-5,1,")


@pytest.mark.parametrize(
    ("query", "field"), [("by=colour", "by"), ("by=", "by"), ("since=soon", "since"), ("until=2030", "until")]
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_does_not_fit_is_named_whatever_form_was_asked_for(api, query, field, form):
    assert_problem(api.get(f"{USAGE}?{query}&format={form}"), 422, "invalid", field)


def test_a_form_that_there_is_none_of_is_named(api):
    assert_problem(api.get(f"{USAGE}?format=xml"), 422, "invalid", "format")


def test_there_are_no_other_parameters(api):
    assert_problem(api.get(f"{USAGE}?tenant=globex"), 422, "invalid", "tenant")
