"""Limits over HTTP: of one's own tenant, or of all for superusers; effective at once."""

import pytest

from runs.models import Limit
from tests.runs.api.conftest import assert_problem, reasons

pytestmark = pytest.mark.django_db
LIMITS = "/api/v1/limits/"


def test_a_limit_is_set_read_changed_and_holds_back(api, post, work):
    made = api.post(LIMITS, {"queue": "agents", "most": 0, "note": "moving"})
    limit = made.json()
    run = post("clerk")

    assert made.status_code == 201 and (limit["tenant"], limit["kind"], limit["most"]) == ("acme", "concurrency", 0)
    assert api.get(LIMITS).json()["results"] == [limit] and work() == []
    assert "limit" in reasons(api, run)
    changed = api.post(f"{LIMITS}{limit['id']}/change/", {"most": 1}).json()
    assert changed["most"] == 1 and "limit" not in reasons(api, run)
    assert api.post(f"{LIMITS}{limit['id']}/change/", {"is_active": False}).json()["is_active"] is False


def test_what_is_everybodys_is_a_superusers(api, root, foreign):
    body = {"queue": "agents", "most": 5, "all_tenants": True}

    assert_problem(api.post(LIMITS, body), 403, "forbidden")
    limit = root.post(LIMITS, body).json()

    assert limit["tenant"] is None
    assert foreign.get(LIMITS).json()["results"] == [limit], "it applies to them as well"
    assert_problem(foreign.post(f"{LIMITS}{limit['id']}/change/", {"most": 1}), 403, "forbidden")
    assert Limit.objects.get().most == 5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "most"),
        ({"most": -1}, "most"),
        ({"most": 1, "job_type": "nothing"}, "job_type"),
        ({"most": 1, "kind": "speed"}, "kind"),
        ({"most": 1, "who": "me"}, "who"),
        ({"most": 1, "each_tenant": True}, "each_tenant"),
    ],
)
def test_a_limit_that_makes_no_sense_names_the_field(api, body, field):
    assert_problem(api.post(LIMITS, body), 422, "invalid", field)
