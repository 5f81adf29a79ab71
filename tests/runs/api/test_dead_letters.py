"""Dead letters: what they tell, and that each is dealt with once."""

import json

import pytest

from deadletters.models import DeadLetter
from runs.models import Run
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


def test_assigning_is_not_built_and_says_so(api, letter):
    assert_problem(api.post(f"{LETTERS}{letter.pk}/assign/", {}), 422, "not_supported")
