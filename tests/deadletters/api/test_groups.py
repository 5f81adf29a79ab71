"""Groups of dead letters: what a tenant sees of a cause, and when it may decide about it."""

import pytest

from deadletters.group_decisions import assign_group, resolve
from deadletters.models import LetterGroup
from runs.operations.accounts import make_member, make_tenant
from tests.deadletters.letters import fail
from tests.runs.api.conftest import GROUPS, LETTERS, assert_problem

pytestmark = pytest.mark.django_db

LATER = "2090-01-31T08:00:00Z"


@pytest.fixture
def group(letter):
    return LetterGroup.objects.get()


def test_a_group_tells_cause_count_and_trend(api, group, letter):
    (document,) = api.get(GROUPS).json()["results"]

    assert document == api.get(f"{GROUPS}{group.pk}/").json()
    assert (document["error_class"], document["job_type"], document["state"]) == ("ValueError", "squares", "open")
    assert (document["count"], len(document["trend"]), sum(document["trend"])) == (1, 24, 1)
    assert document["first_seen"] == document["last_seen"] == api.get(f"{LETTERS}{letter.pk}/").json()["failed_at"]
    assert document["fingerprint"] == letter.fingerprint


def test_a_tenant_sees_its_own_letters_of_a_shared_cause_and_nobody_elses_words(api, foreign, group):
    fail(tenant="globex", job_type="only-globex")
    boss = make_member(make_tenant("globex"), "boss")
    make_member(make_tenant("acme"), "boss")
    shared = fail(tenant="acme").group
    fail(tenant="globex")
    fail(tenant="globex")
    assign_group(shared, user=boss, assignee=boss, note="globex is our largest customer")
    resolve(shared, user=boss)

    own = {one["id"]: one for one in api.get(GROUPS).json()["results"]}

    assert set(own) == {str(group.pk), str(shared.pk)}
    document = own[str(shared.pk)]
    assert (document["count"], document["state"]) == (1, "resolved")
    assert (document["note"], document["assignee"], document["resolved_by"]) == ("", None, None)
    assert sorted(one["count"] for one in foreign.get(GROUPS).json()["results"]) == [1, 2]
    assert_problem(foreign.get(f"{GROUPS}{group.pk}/"), 404, "not_found")
    assert_problem(foreign.post(f"{GROUPS}{group.pk}/resolve/"), 404, "not_found")


def test_a_token_decides_about_the_causes_of_its_tenant_alone(api, group):
    resolved = api.post(f"{GROUPS}{group.pk}/resolve/", {"note": "fixed"})
    assert (resolved.status_code, resolved.json()["state"], resolved.json()["note"]) == (200, "resolved", "fixed")
    assert resolved.json()["resolved_by"] == "service@acme"
    assert_problem(api.post(f"{GROUPS}{group.pk}/resolve/"), 409, "wrong_state")

    assert api.post(f"{GROUPS}{group.pk}/reopen/").json()["state"] == "open"
    ignored = api.post(f"{GROUPS}{group.pk}/ignore/", {"until": LATER, "above_per_hour": 9}).json()
    assert (ignored["state"], ignored["ignored_until"], ignored["ignored_above_per_hour"]) == ("ignored", LATER, 9)
    assert api.post(f"{GROUPS}{group.pk}/assign/", {"user": "service@acme"}).json()["assignee"] == "service@acme"

    group.letters.create(
        run_id=group.pk, tenant="globex", job_type="squares", arguments="{}", error_class="ValueError",
        error_message="", fingerprint=group.fingerprint, failed_at=group.last_seen,
    )  # fmt: skip
    for verb, body in (("reopen", {}), ("resolve", {}), ("ignore", {"until": LATER})):
        assert_problem(api.post(f"{GROUPS}{group.pk}/{verb}/", body), 403, "forbidden")


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("ignore", {}, "until"),
        ("ignore", {"until": "2020-01-01T00:00:00Z"}, "until"),
        ("ignore", {"above_per_hour": 0}, "above_per_hour"),
        ("ignore", {"above_per_hour": 2**40}, "above_per_hour"),
        ("assign", {"user": "nobody"}, "user"),
        ("resolve", {"reason": "x"}, "reason"),
    ],
)
def test_a_verb_that_does_not_fit_is_422_and_names_the_field(api, group, verb, body, field):
    assert_problem(api.post(f"{GROUPS}{group.pk}/{verb}/", body), 422, "invalid", field)
    assert LetterGroup.objects.get().state == "open"


def test_groups_are_filtered_and_paged(api, group):
    for number in range(3):
        fail(job_type=f"job-{number}")

    def found(query):
        return len(api.get(f"{GROUPS}?{query}").json()["results"])

    assert found("state=open") == 4 and found("state=resolved") == 0
    assert (
        found("job_type=squares") == found("error_class=ValueError") == found(f"fingerprint={group.fingerprint}") == 1
    )
    first = api.get(f"{GROUPS}?limit=3").json()
    rest = api.get(first["next"].removeprefix("http://testserver")).json()
    assert len({one["id"] for one in first["results"] + rest["results"]}) == 4 and rest["next"] is None
