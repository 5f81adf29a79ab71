"""Parameters in the address: an empty filter is refused, and a method that is not allowed is 405 whatever they say."""

import pytest

from deadletters.api.lists import DeadLetterFilter, LetterGroupFilter
from runs.api.filters import ActionFilter, RunFilter
from tests.runs.api.conftest import ACTIONS, GROUPS, LETTERS, RUNS, assert_problem

pytestmark = pytest.mark.django_db

FILTERS = [
    (address, name)
    for address, filters in {
        RUNS: RunFilter,
        ACTIONS: ActionFilter,
        LETTERS: DeadLetterFilter,
        GROUPS: LetterGroupFilter,
    }.items()
    for name in filters.base_filters
]


@pytest.mark.parametrize("value", ["", "%20", "+"])
@pytest.mark.parametrize(("address", "name"), [*FILTERS, (RUNS, "limit"), (RUNS, "cursor"), ("/api/v1/usage/", "by")])
def test_an_empty_parameter_is_refused_by_its_name_and_does_not_answer_everything(api, address, name, value):
    assert_problem(api.get(f"{address}?{name}={value}"), 422, "invalid", name)


def test_so_is_one_of_several_values(api):
    assert_problem(api.get(f"{RUNS}?status=queued&status="), 422, "invalid", "status")


@pytest.mark.parametrize("query", ["", "?nothing=1", "?limit=x", "?job_type="])
@pytest.mark.parametrize(
    ("method", "address"),
    [("PUT", RUNS), ("DELETE", RUNS), ("OPTIONS", RUNS), ("POST", "/api/v1/job-types/"), ("POST", "/api/v1/usage/")],
)
def test_a_method_that_is_not_allowed_is_405_with_allow_whatever_the_query_says(api, method, address, query):
    answer = api.send(method, f"{address}{query}")

    assert_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
