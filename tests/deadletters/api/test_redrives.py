"""Redrives over HTTP: planned with counts and reasons, then started, paused, resumed, aborted."""

import pytest

from deadletters.models import DeadLetter, Redrive
from deadletters.redrive.advance import advance_redrives
from runs.models import Membership, Run
from tests.deadletters.redrive.letters import make_letters, make_uncertain
from tests.runs.admin.rows import make_tenant
from tests.runs.api.conftest import NOBODY, REDRIVES, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def letters(tenant, user):
    return make_letters(3, tenant, user)


def verb_of(document, verb):
    return f"{REDRIVES}{document['id']}/{verb}/"


def test_a_plan_tells_counts_and_reasons_and_does_nothing(api, letters, tenant, user):
    make_uncertain(tenant, user)

    answer = api.post(REDRIVES, {"job_type": "console_agent", "rate_per_s": 2, "stop_above_percent": 0})

    document = answer.json()
    assert answer.status_code == 201
    assert (document["status"], document["tenant"], document["planned_by"]) == ("planned", "acme", "service@acme")
    assert document["counts"] == {
        "total": 4, "left_out": 0, "excluded": 1, "skipped": 0, "pending": 3, "sent": 0, "in_flight": 0,
        "completed": 0, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    reason = "effects may have happened: a person must look first"
    assert document["not_sent"] == [{"state": "excluded", "reason": reason, "count": 1}]
    assert (document["rate_per_s"], document["concurrency"], document["canary"]) == (2.0, 20, 5)
    assert (document["stop_above_percent"], document["selection"]) == (0, {"job_type": "console_agent"})
    assert (document["verbs"], document["held_by"]) == (["start", "abort"], "nobody has started it")
    assert document["estimated_cost_usd"] == "0" and document["started_at"] is None
    assert set(Run.objects.values_list("status", flat=True)) == {"failed"}


def test_a_story_from_start_to_abort(api, letters):
    document = api.post(REDRIVES, {"ids": [str(letter.pk) for letter in letters[:2]], "rate_per_s": 0.01}).json()

    assert api.post(verb_of(document, "start")).json()["status"] == "running"
    assert advance_redrives() == 1
    now = api.get(f"{REDRIVES}{document['id']}/").json()
    assert (now["counts"]["sent"], now["counts"]["in_flight"], now["verbs"]) == (1, 1, ["pause", "abort"])
    paused = api.post(verb_of(document, "pause"), {"note": "the provider is down"}).json()
    assert (paused["status"], paused["reason"], paused["held_by"]) == ("paused", "the provider is down", "paused")
    assert api.post(verb_of(document, "resume")).json()["status"] == "running"
    aborted = api.post(verb_of(document, "abort"), {}).json()
    assert (aborted["status"], aborted["counts"]["skipped"], aborted["verbs"]) == ("aborted", 1, [])
    assert aborted["ended_at"].endswith("Z") and aborted["changed_by"] == "service@acme"
    for verb in ("start", "pause", "resume", "abort"):
        problem = assert_problem(api.post(verb_of(document, verb)), 409, "wrong_state")
        assert "already aborted, by service@acme at 20" in problem["detail"]


def test_what_became_of_each_letter_is_read_in_pages(api, letters, tenant, user):
    uncertain = make_uncertain(tenant, user)
    document = api.post(REDRIVES, {"rate_per_s": 0.01}).json()
    api.post(verb_of(document, "start"))
    advance_redrives()

    first = api.get(f"{verb_of(document, 'items')}?limit=3").json()
    last = api.get(first["next"]).json()

    items = first["results"] + last["results"]
    assert [item["letter"] for item in items] == [str(letter.pk) for letter in [*letters, uncertain]]
    assert [item["state"] for item in items] == ["sent", "pending", "pending", "excluded"]
    assert (items[0]["run"], items[1]["run"], last["next"]) == (str(letters[0].run_id), None, None)
    assert items[0]["sent_at"].endswith("Z") and "a person must look" in items[3]["reason"]


def test_the_list_is_filtered_and_the_tenants_own(api, foreign, letters):
    document = api.post(REDRIVES, {}).json()

    def ids(query):
        return [one["id"] for one in api.get(f"{REDRIVES}?{query}").json()["results"]]

    assert ids("") == ids("status=planned") == ids("status=planned&status=running") == [document["id"]]
    assert ids("status=running") == []
    assert foreign.get(REDRIVES).json() == {"results": [], "next": None}
    assert_problem(api.get(f"{REDRIVES}?status=x"), 422, "invalid", "status")


def test_the_list_costs_the_same_however_long_it_is(api, letters, django_assert_max_num_queries):
    for letter in letters:
        api.post(REDRIVES, {"ids": [str(letter.pk)]})

    with django_assert_max_num_queries(3):
        assert len(api.get(REDRIVES).json()["results"]) == 3


def test_letters_of_another_tenant_are_not_found_even_by_their_id(api, foreign, letters, user):
    other = make_letters(1, make_tenant("globex"), user)[0]

    assert_problem(api.post(REDRIVES, {"ids": [str(other.pk)]}), 409, "no_letters")
    mixed = api.post(REDRIVES, {"ids": [str(other.pk), str(letters[0].pk)]}).json()
    assert mixed["counts"]["total"] == 1
    for verb in ("start", "pause", "resume", "abort"):
        assert_problem(foreign.post(verb_of(mixed, verb)), 404, "not_found")
    assert_problem(foreign.get(verb_of(mixed, "items")), 404, "not_found")


def test_a_token_whose_user_is_no_operator_may_do_nothing(api, api_of, letters):
    document = api.post(REDRIVES, {}).json()
    viewer = api_of("rita")
    Membership.objects.filter(user__username="rita").update(role="viewer")

    for verb in ("start", "abort"):
        assert_problem(viewer.post(verb_of(document, verb)), 403, "forbidden")
    assert Redrive.objects.get().status == "planned"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rate_per_s": 0}, "rate_per_s"),
        ({"rate_per_s": 51}, "rate_per_s"),
        ({"rate_per_s": "5"}, "rate_per_s"),
        ({"concurrency": 0}, "concurrency"),
        ({"canary": 0}, "canary"),
        ({"canary": True}, "canary"),
        ({"stop_above_percent": 101}, "stop_above_percent"),
        ({"failed_after": "2030-01-01"}, "failed_after"),
        ({"ids": []}, "ids"),
        ({"ids": [1]}, "ids.0"),
        ({"fingerprint": ""}, "fingerprint"),
        ({"tenant": "globex"}, "tenant"),
        ({"rate": 5}, "rate"),
    ],
)
def test_a_body_that_does_not_fit_names_its_field(api, letters, body, field):
    assert_problem(api.post(REDRIVES, body), 422, "invalid", field)
    assert not Redrive.objects.exists()


@pytest.mark.parametrize("verb", ["start", "resume"])
def test_a_verb_that_takes_nothing_says_so(api, letters, verb):
    document = api.post(REDRIVES, {}).json()

    assert_problem(api.post(verb_of(document, verb), {"note": "x"}), 422, "invalid", "note")


def test_no_match_says_where_the_letters_are(api, letters):
    problem = assert_problem(api.post(REDRIVES, {"ids": [NOBODY]}), 409, "no_letters")

    assert "/api/v1/dead-letters/" in problem["detail"] and DeadLetter.objects.count() == 3
