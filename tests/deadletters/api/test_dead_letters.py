"""Dead letters: what they tell, and that each is dealt with once."""

import json

import pytest

from deadletters.models import DeadLetter, LetterEvent
from runs.models import Membership, Role, Run
from runs.operations.accounts import make_member
from tests.runs.api.conftest import LETTERS, NOBODY, RUNS, assert_problem

pytestmark = pytest.mark.django_db

LEAST = set(
    "id run job_type step error_class error_message attempts failed_at fingerprint status replayed_at effects".split()
)


def test_a_letter_tells_what_failed_and_what_had_happened(api, failed, letter):
    document = api.get(f"{LETTERS}{letter.pk}/").json()

    assert document.keys() >= LEAST
    assert (document["run"], document["job_type"], document["step"]) == (str(failed.pk), "squares", 2)
    assert (document["error_class"], document["status"]) == ("ValueError", "open")
    assert "two is out of order" in document["error_message"] and document["fingerprint"]
    assert document["effects"].keys() == {"done", "unknown"}
    assert document["failed_at"].endswith("Z") and document["replayed_at"] is None
    assert "traceback" not in document


def test_the_list_is_filtered_and_the_tenants_own(api, foreign, letter):
    def ids(query):
        return [one["id"] for one in api.get(f"{LETTERS}?{query}").json()["results"]]

    own = [str(letter.pk)]
    assert ids("") == ids("status=open") == ids("status=open&status=assigned") == ids("job_type=squares") == own
    assert ids(f"run={letter.run_id}") == ids(f"fingerprint={letter.fingerprint}") == own
    assert ids("status=discarded") == ids(f"run={NOBODY}") == []
    assert foreign.get(LETTERS).json() == {"results": [], "next": None}


@pytest.mark.parametrize("query", ["status=x", "run=x", "fingerprint=%00", "limit=-1", "run_id=x"])
def test_a_filter_that_does_not_fit_is_422(api, query):
    assert_problem(api.get(f"{LETTERS}?{query}"), 422, "invalid", query.partition("=")[0])


@pytest.mark.fault(39)
def test_a_replay_continues_the_run_once(api, failed, letter, work):
    answer = api.post(f"{LETTERS}{letter.pk}/replay/")
    work()

    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["replayed_as"]) == ("replayed", str(failed.pk))
    assert answer.json()["replayed_at"].endswith("Z")
    failed.refresh_from_db()
    assert failed.status == "completed" and Run.objects.count() == 1
    assert_problem(api.post(f"{LETTERS}{letter.pk}/replay/"), 409, "wrong_state")
    assert_problem(api.post(f"{LETTERS}{letter.pk}/discard/", {"note": "late"}), 409, "wrong_state")


def test_a_replay_with_input_is_a_new_run(api, failed, letter):
    answer = api.post(f"{LETTERS}{letter.pk}/replay/", {"input": {"upto": 1}})

    new = api.get(f"{RUNS}{answer.json()['replayed_as']}/").json()
    assert (answer.status_code, new["forked_from"], new["input"]) == (202, str(failed.pk), {"upto": 1})
    assert new["id"] != str(failed.pk) and new["status"] == "queued"
    failed.refresh_from_db()
    assert failed.status == "failed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"input": {"upto": "x"}}, "input.upto"),
        ({"input": 5}, "input"),
        ({"input": {"upto": json.loads("[" * 40 + "]" * 40)}}, "input"),
        ({"inputs": {}}, "inputs"),
    ],
)
def test_a_replay_that_does_not_fit_is_422_and_leaves_the_letter_open(api, letter, body, field):
    assert_problem(api.post(f"{LETTERS}{letter.pk}/replay/", body), 422, "invalid", field)
    assert DeadLetter.objects.get().status == "open" and Run.objects.count() == 1


def test_a_discarded_letter_leaves_the_run_failed(api, failed, letter):
    answer = api.post(f"{LETTERS}{letter.pk}/discard/", {"note": "known"})

    assert (answer.status_code, answer.json()["status"], answer.json()["note"]) == (200, "discarded", "known")
    failed.refresh_from_db()
    assert failed.status == "failed"
    assert_problem(api.post(f"{LETTERS}{letter.pk}/discard/", {"note": "again"}), 409, "wrong_state")
    assert_problem(api.post(f"{LETTERS}{letter.pk}/replay/"), 409, "wrong_state")


@pytest.mark.parametrize("body", [{}, {"note": " "}, {"note": 1}])
def test_discarding_needs_a_note(api, letter, body):
    assert_problem(api.post(f"{LETTERS}{letter.pk}/discard/", body), 422, "invalid", "note")


def test_retrying_the_run_closes_its_letter(api, failed, letter):
    api.post(f"{RUNS}{failed.pk}/retry/")

    assert api.get(f"{LETTERS}{letter.pk}/").json()["status"] == "replayed"
    assert_problem(api.post(f"{LETTERS}{letter.pk}/replay/"), 409, "wrong_state")


@pytest.fixture
def clara(tenant):
    return make_member(tenant, "clara")


def test_a_letter_is_assigned_made_a_task_and_done(api, letter, clara):
    assigned = api.post(f"{LETTERS}{letter.pk}/assign/", {"user": "clara"})
    assert (assigned.status_code, assigned.json()["status"], assigned.json()["assignee"]) == (200, "assigned", "clara")

    body = {"user": "clara", "due_at": "2090-01-31T08:00:00Z", "note": "by hand"}
    task = api.post(f"{LETTERS}{letter.pk}/task/", body).json()
    assert (task["status"], task["due_at"], task["note"]) == ("assigned", body["due_at"], "by hand")

    done = api.post(f"{LETTERS}{letter.pk}/done/").json()
    assert (done["status"], done["decided_by"]) == ("assigned", "service@acme") and done["done_at"]
    for verb, body in (("done", {}), ("replay", {}), ("assign", {"user": "clara"}), ("discard", {"note": "late"})):
        refused = assert_problem(api.post(f"{LETTERS}{letter.pk}/{verb}/", body), 409, "wrong_state")
        assert "already done by service@acme" in refused["detail"]


def test_letters_are_found_by_assignee_cause_and_time(api, letter, clara):
    api.post(f"{LETTERS}{letter.pk}/task/", {"user": "clara", "due_at": "2090-01-31T08:00:00Z"})

    def found(query):
        return len(api.get(f"{LETTERS}?{query}").json()["results"])

    assert found("assignee=clara") == found(f"group={letter.group_id}") == found("error_class=ValueError") == 1
    assert found("due_before=2091-01-01T00:00:00Z") == found("failed_after=2020-01-01T00:00:00Z") == 1
    assert found("assignee=carl") == found(f"group={NOBODY}") == found("due_before=2089-01-01T00:00:00Z") == 0


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("assign", {}, "user"),
        ("assign", {"user": 1}, "user"),
        ("assign", {"user": "nobody"}, "user"),
        ("assign", {"user": "service@globex"}, "user"),
        ("task", {"user": "clara"}, "due_at"),
        ("task", {"user": "clara", "due_at": "2020-01-01T00:00:00Z"}, "due_at"),
        ("task", {"user": "clara", "due_at": "tomorrow"}, "due_at"),
        ("done", {"notes": "x"}, "notes"),
        ("replay", {"from_step": 0}, "from_step"),
        ("replay", {"from_step": 99}, "from_step"),
        ("replay", {"from_step": True}, "from_step"),
    ],
)
def test_a_verb_that_does_not_fit_is_422_and_names_the_field(api, letter, clara, foreign, verb, body, field):
    assert_problem(api.post(f"{LETTERS}{letter.pk}/{verb}/", body), 422, "invalid", field)
    assert DeadLetter.objects.get().status == "open" and not LetterEvent.objects.exists()


def test_a_viewer_uses_no_verb(api, api_of, letter, tenant):
    make_member(tenant, "vera")
    Membership.objects.filter(user__username="vera").update(role=Role.VIEWER)
    vera = api_of("vera")

    for verb, body in (("assign", {"user": "vera"}), ("discard", {"note": "x"}), ("replay", {})):
        assert_problem(vera.post(f"{LETTERS}{letter.pk}/{verb}/", body), 403, "forbidden")
    assert DeadLetter.objects.get().status == "open"


def test_a_preview_tells_what_the_replay_does_and_changes_nothing(api, letter):
    told = api.get(f"{LETTERS}{letter.pk}/preview/").json()
    again = api.get(f"{LETTERS}{letter.pk}/preview/?from_step=1").json()

    assert (told["reused"], told["runs_again"], told["refusal"]) == ([1], [2], "")
    assert (again["reused"], again["runs_again"]) == ([], [1, 2])
    assert told["estimated_cost_usd"] == "0" and told["effects_unknown"] == []
    assert DeadLetter.objects.get().status == "open" and Run.objects.count() == 1


@pytest.mark.parametrize(
    "query", ["from_step=x", "from_step=0", "from_step=-1", "from_step=1.0", "from_step=99", "step=1"]
)
def test_a_preview_that_does_not_fit_is_422(api, letter, query):
    assert_problem(api.get(f"{LETTERS}{letter.pk}/preview/?{query}"), 422, "invalid", query.partition("=")[0])


def test_a_replay_from_a_step_and_its_run_know_each_other(api, failed, letter, work):
    answer = api.post(f"{LETTERS}{letter.pk}/replay/", {"from_step": 2})
    work()

    new = api.get(f"{RUNS}{answer.json()['replayed_as']}/").json()
    assert (new["forked_from"], new["status"]) == (str(failed.pk), "completed")
    assert api.get(f"{LETTERS}?replayed_as={new['id']}").json()["results"][0]["id"] == str(letter.pk)


def test_a_chain_of_replays_ends_with_409_and_says_what_to_do(api, failed, letter, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "replays_max": 0}

    for path in (f"{LETTERS}{letter.pk}/replay/", f"{RUNS}{failed.pk}/retry/"):
        refused = assert_problem(api.post(path), 409, "replays_exhausted")
        assert "post the work as a new run" in refused["detail"]
    assert DeadLetter.objects.get().status == "open"
