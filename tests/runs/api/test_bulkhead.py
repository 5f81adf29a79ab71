"""Lists wait for each other, and nobody else waits for lists."""

import pytest

from runs.api import bulkhead
from runs.api.runs import RunViewSet
from tests.runs.api.conftest import RUNS, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def _taken(monkeypatch):
    """All places are taken, and nobody waits."""
    monkeypatch.setattr(bulkhead, "WAIT_MAX_S", 0)
    for _ in range(bulkhead.LISTS_MAX):
        bulkhead._lists.acquire()
    yield
    for _ in range(bulkhead.LISTS_MAX):
        bulkhead._lists.release()


@pytest.mark.usefixtures("_taken")
def test_a_list_for_which_there_is_no_place_is_asked_to_come_again(api, post):
    run = post("squares", input={"upto": 1})

    for path in (RUNS, f"{RUNS}{run.pk}/steps/"):
        answer = api.get(path)
        assert_problem(answer, 429, "rate_limited")
        assert answer.headers["Retry-After"] == "1"


@pytest.mark.usefixtures("_taken")
def test_who_posts_or_looks_at_one_run_does_not_wait_for_lists(api):
    posted = api.post(RUNS, {"job_type": "squares", "input": {"upto": 1}})

    assert posted.status_code == 202
    assert api.get(f"{RUNS}{posted.json()['id']}/").status_code == 200


@pytest.mark.usefixtures("_taken")
def test_a_list_waits_before_its_first_query(api, django_assert_num_queries):
    with django_assert_num_queries(0):
        api.get(RUNS)


def test_a_place_is_given_back_whatever_becomes_of_the_list(api, api_of, monkeypatch):
    monkeypatch.setattr(bulkhead, "WAIT_MAX_S", 0)
    for _ in range(bulkhead.LISTS_MAX + 1):
        assert api_of(scopes=[]).get(RUNS).status_code == 403
        assert api.get(f"{RUNS}?limit=x").status_code == 422
    with monkeypatch.context() as broken:
        broken.setattr(RunViewSet, "get_queryset", lambda _: 1 / 0)
        for _ in range(bulkhead.LISTS_MAX + 1):
            assert api.get(RUNS).status_code == 500

    assert api.get(RUNS).status_code == 200
