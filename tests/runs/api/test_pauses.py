"""Pauses over HTTP: of one's own tenant, or of all for superusers; they say who and why, and are ended."""

from datetime import timedelta

import pytest

from runs import clock
from runs.models import Pause
from tests.runs.api.conftest import RUNS, assert_problem, reasons

pytestmark = pytest.mark.django_db
PAUSES = "/api/v1/pauses/"


def test_a_pause_says_who_and_why_and_is_ended(api, post, work):
    paused = api.post(PAUSES, {"job_type": "clerk", "reason": "audit", "until": "2090-01-01T00:00:00Z"}).json()
    run = post("clerk")

    assert work() == [] and reasons(api, run)[0] == "paused"
    (reason,) = [r for r in api.get(f"{RUNS}{run.pk}/").json()["why"] if r["code"] == "paused"]
    assert "service@acme: audit" in reason["message"] and reason["until"] == "2090-01-01T00:00:00Z"
    ended = api.post(f"{PAUSES}{paused['id']}/end/", {}).json()
    assert ended["ended_by"] == "service@acme" and "paused" not in reasons(api, run)


def test_what_is_everybodys_is_a_superusers(api, root, foreign):
    body = {"queue": "agents", "reason": "audit", "all_tenants": True}

    assert_problem(api.post(PAUSES, body), 403, "forbidden")
    paused = root.post(PAUSES, body).json()

    assert foreign.get(PAUSES).json()["results"] == [paused], "it applies to them as well"
    assert_problem(foreign.post(f"{PAUSES}{paused['id']}/end/", {}), 403, "forbidden")
    assert Pause.objects.get().ended_at is None


@pytest.mark.parametrize(
    ("body", "field"),
    [({"queue": "agents"}, "reason"), ({"queue": "agents", "reason": "r", "until": "2020-01-01T00:00:00Z"}, "until")],
)
def test_a_pause_that_makes_no_sense_names_the_field(api, body, field):
    assert_problem(api.post(PAUSES, body), 422, "invalid", field)


def test_a_scope_is_paused_once_at_a_time(api):
    body = {"job_type": "clerk", "reason": "audit"}
    first = api.post(PAUSES, body).json()

    problem = assert_problem(api.post(PAUSES, body | {"reason": "another"}), 409, "conflict")
    assert "already paused by service@acme" in problem["detail"] and "end that pause" in problem["detail"]
    assert api.post(PAUSES, {"queue": "batch", "reason": "another scope"}).status_code == 201
    api.post(f"{PAUSES}{first['id']}/end/", {})
    assert api.post(PAUSES, body).status_code == 201, "the scope is free again"


def test_a_pause_whose_time_is_over_makes_room_for_another(api):
    body = {"job_type": "clerk", "reason": "audit"}
    over = api.post(PAUSES, body | {"until": "2090-01-01T00:00:00Z"}).json()
    Pause.objects.update(until=clock.now() - timedelta(minutes=1))

    assert api.post(PAUSES, body).status_code == 201
    assert Pause.objects.get(pk=over["id"]).ended_at == Pause.objects.get(pk=over["id"]).until
