"""Backlog limits over HTTP: of one's own tenant, or of all for superusers; effective at once."""

import pytest

from runs.models import Limit
from tests.runs.api.conftest import RUNS, assert_problem

pytestmark = pytest.mark.django_db
LIMITS = "/api/v1/limits/"
SQUARES = {"job_type": "squares", "input": {"upto": 1}}


def backlog(**columns):
    return {"kind": "backlog"} | columns


def verb(limit):
    return f"{LIMITS}{limit['id']}/change/"


def test_a_backlog_limit_is_set_read_changed_and_switched_off(api):
    made = api.post(LIMITS, backlog(queue="batch", most=0, note="the provider is slow"))
    limit = made.json()

    assert made.status_code == 201 and limit["updated_by"] == "service@acme"
    assert (limit["tenant"], limit["queue"], limit["most"]) == ("acme", "batch", 0)
    assert api.get(LIMITS).json()["results"] == [limit] == [api.get(f"{LIMITS}{limit['id']}/").json()]
    assert_problem(api.post(RUNS, SQUARES), 429, "queue_full")
    changed = api.post(verb(limit), {"most": 1, "note": "a little faster"}).json()
    assert (changed["most"], changed["note"], changed["is_active"]) == (1, "a little faster", True)
    assert [api.post(RUNS, SQUARES).status_code for _ in range(2)] == [202, 429]
    assert api.post(verb(limit), {"is_active": False}).json()["is_active"] is False
    assert api.post(RUNS, SQUARES).status_code == 202
    assert Limit.objects.get().most == 1, "what is not said stays as it is"


def test_what_is_everybodys_is_a_superusers(api, root, foreign):
    together, each = (backlog(queue="batch", most=5, all_tenants=True) | more for more in ({}, {"each_tenant": True}))
    assert_problem(api.post(LIMITS, together), 403, "forbidden")
    assert_problem(api.post(LIMITS, each), 403, "forbidden")

    limits = [root.post(LIMITS, body).json() for body in (together, each)]

    assert [one["tenant"] for one in limits] == [None, None] and limits[1]["each_tenant"]
    assert foreign.get(LIMITS).json()["results"] == limits[::-1], "they apply to them as well"
    assert_problem(foreign.post(verb(limits[0]), {"most": 1}), 403, "forbidden")
    assert set(Limit.objects.values_list("most", flat=True)) == {5}


def test_whoever_is_no_admin_of_the_tenant_sets_none(api_of, tenant):
    otto = api_of("otto")
    tenant.memberships.filter(user__username="otto").update(role="operator")

    assert_problem(otto.post(LIMITS, backlog(queue="batch", most=5)), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"most": 1}, "queue"),
        ({"queue": "batch"}, "most"),
        ({"queue": "batch", "most": -1}, "most"),
        ({"queue": "batch", "most": 10**7}, "most"),
        ({"queue": "nowhere", "most": 1}, "queue"),
        ({"queue": "batch", "most": 1, "each_tenant": True}, "each_tenant"),
        ({"queue": "batch", "most": 1, "is_active": False}, "is_active"),
        ({"queue": "batch", "most": 1, "job_type": "squares"}, "job_type"),
        ({"queue": "batch", "most": 1, "tool": "put"}, "tool"),
    ],
)
def test_a_backlog_limit_that_makes_no_sense_names_the_field(api, body, field):
    assert_problem(api.post(LIMITS, backlog(**body)), 422, "invalid", field)


def test_a_second_one_of_the_same_names_the_field_and_the_remedy(api):
    api.post(LIMITS, backlog(queue="batch", most=1))

    document = assert_problem(api.post(LIMITS, backlog(queue="batch", most=2)), 422, "invalid", "queue")

    assert "change that one" in document["errors"][0]["message"]
