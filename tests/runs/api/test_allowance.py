"""The rate limit of a token: what a request costs, what answers say of it, and when it is over."""

import re
import time

import pytest
from django.core.cache import cache

from runs import clock
from runs.models import Run
from tests.runs.api.conftest import NOBODY, RUNS, assert_problem

pytestmark = pytest.mark.django_db

WINDOW_S = 3600


@pytest.fixture(autouse=True)
def _one_window(settings, monkeypatch):
    """A budget of thirty units, in a window that begins now and that no test outlasts."""
    settings.AGENTOPS = settings.AGENTOPS | {"api_rate_units": 30, "api_rate_window_s": WINDOW_S}
    moment = time.time() // WINDOW_S * WINDOW_S + 1.5
    monkeypatch.setattr(clock, "wall", lambda: moment + clock.ahead_s())


@pytest.fixture
def many(post):
    """Two hundred runs and one."""
    first = post("squares", input={"upto": 1})
    copies = [Run.objects.get(pk=first.pk) for _ in range(200)]
    for copy in copies:
        copy.pk = Run._meta.pk.get_default()
    Run.objects.bulk_create(copies)


def left(answer) -> int:
    policy, state = answer.headers["RateLimit-Policy"], answer.headers["RateLimit"]
    assert policy == f'"token";q=30;w={WINDOW_S}'
    units, seconds = re.fullmatch(r'"token";r=(\d+);t=(\d+)', state).groups()
    assert int(seconds) == WINDOW_S - 1
    return int(units)


def spend_all(api) -> None:
    for _ in range(30):
        assert api.get(f"{RUNS}{NOBODY}/").status_code == 404


def test_every_answer_says_what_is_left(api, api_of):
    assert [left(api.get(RUNS)) for _ in range(2)] == [29, 28]
    assert left(api.get(f"{RUNS}{NOBODY}/")) == 27, "not found"
    assert left(api.post(RUNS, {"job_type": "squares", "input": {"upto": 1}})) == 26
    assert left(api.post(RUNS, b"{")) == 25, "malformed"
    assert left(api.get(f"{RUNS}?limit=x")) == 24, "invalid"
    assert left(api.send("DELETE", RUNS)) == 23, "no such method"
    assert left(api.get("/api/v1/queues/")) == 22, "not built"
    without = api_of(scopes=[])
    assert [left(without.get(RUNS)) for _ in range(2)] == [29, 28], "not permitted"


@pytest.mark.parametrize(("limit", "cost"), [(200, 21), (50, 6), (10, 2), (9, 1)])
def test_a_list_costs_what_it_returns(api, many, limit, cost):
    answer = api.get(f"{RUNS}?limit={limit}")

    assert len(answer.json()["results"]) == limit and left(answer) == 30 - cost


def test_a_token_that_has_spent_its_units_waits(api):
    spend_all(api)

    for answer in (api.get(RUNS), api.post(RUNS, {"job_type": "squares", "input": {"upto": 1}})):
        document = assert_problem(answer, 429, "rate_limited")
        assert "30 units" in document["detail"] and left(answer) == 0
        assert answer.headers["Retry-After"] == str(WINDOW_S - 1)
    assert not Run.objects.exists()


def test_a_list_may_cost_more_than_is_left_and_then_the_token_waits(api, many):
    assert [api.get(f"{RUNS}?limit=200").status_code for _ in range(3)] == [200, 200, 429]


def test_another_token_of_the_same_user_is_untouched(api, api_of):
    spend_all(api)

    assert left(api_of().get(RUNS)) == 29


def test_the_next_window_begins_with_every_unit(api):
    spend_all(api)
    assert api.get(RUNS).status_code == 429

    clock.advance(WINDOW_S)

    assert left(api.get(RUNS)) == 29


def test_without_a_token_nothing_is_counted(api):
    api.token = "unknown"
    answer = api.get(RUNS)

    assert answer.status_code == 401 and "RateLimit" not in answer.headers


@pytest.mark.parametrize("what", ["add", "incr"])
def test_a_cache_that_is_away_lets_requests_pass(api, monkeypatch, caplog, what):
    spend_all(api)

    def refuse(*_, **__):
        raise ConnectionError("refused")

    monkeypatch.setattr(cache, what, refuse)

    assert api.get(RUNS).status_code == 200 and "ConnectionError" in caplog.text


def test_a_cache_that_keeps_nothing_lets_requests_pass(api, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    assert {api.get(RUNS).status_code for _ in range(31)} == {200}


def test_zero_units_are_no_limit(api, settings):
    settings.AGENTOPS = settings.AGENTOPS | {"api_rate_units": 0}

    answers = [api.get(RUNS) for _ in range(31)]

    assert {(one.status_code, "RateLimit" in one.headers) for one in answers} == {(200, False)}
