"""Reading runs, and the verbs of a run: cancel, retry, messages."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from runs.models import Run
from tests.runs.api.conftest import NOBODY, RUNS, assert_problem
from tests.runs.engine.story import say

pytestmark = pytest.mark.django_db

LEAST = set(
    "id job_type status queue priority tenant input output progress why attempts next_attempt_at last_error usage "
    "cost_usd max_cost_usd open_actions parent continues forked_from metadata created_at started_at finished_at "
    "links".split()
)


def listed(api, query=""):
    return [run["id"] for run in api.get(f"{RUNS}{query}").json()["results"]]


def test_a_completed_run_tells_everything(api, completed):
    document = api.get(f"{RUNS}{completed.pk}/").json()

    assert document.keys() >= LEAST
    assert (document["tenant"], document["job_type"], document["queue"]) == ("acme", "squares", "batch")
    assert document["output"] == {"values": [1, 4]}
    assert document["progress"] == {"percent": 100.0, "message": "2 of 2"}
    assert (document["why"], document["open_actions"], document["last_error"]) == ([], [], None)
    assert set(document["usage"]) == {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"}
    own = f"http://testserver{RUNS}{completed.pk}/"
    assert document["links"] == {
        "self": own,
        "steps": f"{own}steps/",
        "cancel": f"{own}cancel/",
    }
    assert all(document[time].endswith("Z") for time in ("created_at", "started_at", "finished_at"))


def test_a_failed_run_tells_its_last_error(api, failed):
    document = api.get(f"{RUNS}{failed.pk}/").json()

    assert document["status"] == "failed" and document["last_error"].keys() >= {"type", "message", "at"}
    assert document["last_error"]["type"] == "ValueError" and "Traceback" not in document["last_error"]["message"]
    assert datetime.fromisoformat(document["last_error"]["at"]).utcoffset() == timedelta(0)


def test_a_waiting_run_names_its_open_action_and_until_when(api, approval):
    document = api.get(f"{RUNS}{approval.run_id}/").json()

    assert (document["status"], document["open_actions"]) == ("waiting_for_confirmation", [str(approval.pk)])
    assert [reason["code"] for reason in document["why"]] == ["approval"]
    assert document["why"][0].keys() == {"code", "message", "until"} and document["why"][0]["until"].endswith("Z")
    assert document["cost_usd"] != "0" and "E" not in document["cost_usd"]


def test_a_queued_run_that_no_worker_serves_says_so(api, post):
    run = post("clerk")

    assert [reason["code"] for reason in api.get(f"{RUNS}{run.pk}/").json()["why"]] == ["no_worker"]


@pytest.mark.parametrize(("number", "text"), [(float("nan"), "NaN"), (float("-inf"), "-Infinity")])
def test_a_result_that_is_no_json_breaks_neither_the_run_nor_the_lists(api, completed, number, text):
    Run.objects.update(output={"values": [1, number]})
    completed.steps.update(result={"value": number})

    assert api.get(f"{RUNS}{completed.pk}/").json()["output"] == {"values": [1, text]}
    assert api.get(RUNS).json()["results"][0]["output"] == {"values": [1, text]}
    assert api.get(f"{RUNS}{completed.pk}/steps/").json()["results"][0]["result"] == {"value": text}


# Lists


def test_the_list_is_the_tenants_own_and_newest_first(api, post, post_foreign):
    runs = [post("squares", input={"upto": 1}) for _ in range(3)]
    post_foreign()

    assert set(listed(api)) == {str(run.pk) for run in runs}
    created = [run["created_at"] for run in api.get(RUNS).json()["results"]]
    assert created == sorted(created, reverse=True)


def test_filters_choose(api, post, completed):
    queued = post("clerk")
    later = post("clerk", scheduled_at=datetime(2099, 1, 1, tzinfo=UTC))

    assert listed(api, "?status=completed") == [str(completed.pk)]
    assert set(listed(api, "?status=queued&status=scheduled")) == {str(queued.pk), str(later.pk)}
    assert listed(api, "?job_type=squares") == listed(api, "?queue=batch") == [str(completed.pk)]
    assert len(listed(api, "?created_after=2020-01-01T00:00:00Z")) == 3
    assert listed(api, "?created_before=2020-01-01T00:00:00Z") == listed(api, f"?parent={NOBODY}") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=x", "status"),
        ("status=%00", "status"),
        ("job_type=%00", "job_type"),
        ("parent=x", "parent"),
        ("created_after=x", "created_after"),
        ("created_after=2030-01-01T00:00:00", "created_after"),
        ("created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
        ("created_before=9999-12-31T23:59:59-14:00", "created_before"),
        ("limit=-1", "limit"),
        ("limit=0", "limit"),
        ("limit=abc", "limit"),
        ("limit=1e9", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("statuz=failed", "statuz"),
        ("\ud800=1".encode("utf-8", "surrogatepass").decode("latin-1"), None),
    ],
)
def test_a_filter_that_does_not_fit_is_422_and_never_ignored(api, query, field):
    assert_problem(api.get(f"{RUNS}?{query}"), 422, "invalid", *([field] if field else []))


@pytest.mark.parametrize("same_moment", [False, True])
def test_pages_reach_every_run_once(api, post, same_moment):
    runs = {str(post("squares", input={"upto": 1}).pk) for _ in range(7)}
    if same_moment:
        Run.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))

    seen, url = [], f"{RUNS}?limit=2&job_type=squares"
    while url:
        page = api.get(url).json()
        assert page.keys() == {"results", "next"} and len(page["results"]) <= 2
        seen += [run["id"] for run in page["results"]]
        url = page["next"]

    assert len(seen) == 7 and set(seen) == runs


def test_a_run_posted_meanwhile_shifts_no_page(api, post):
    for _ in range(4):
        post("squares", input={"upto": 1})
    first = api.get(f"{RUNS}?limit=2").json()
    post("squares", input={"upto": 1})

    second = api.get(first["next"]).json()

    ids = [run["id"] for page in (first, second) for run in page["results"]]
    assert len(set(ids)) == 4 and second["next"] is None


def test_a_page_is_never_larger_than_the_most(api, post, monkeypatch):
    monkeypatch.setattr("runs.api.pagination.NewestFirst.max_page_size", 2)
    for _ in range(3):
        post("squares", input={"upto": 1})

    assert len(listed(api, "?limit=100000")) == 2


def cursor(text: str) -> str:
    return quote(b64encode(text.encode()).decode())


@pytest.mark.parametrize(
    "text",
    ["p=abc", "p=", "p=%00", "p=-1", "p=2030-01-01", "p=9999-12-31T23:59:59-14:00", "p=" + "9" * 5000, "o=-1", "r=x"],
)
@pytest.mark.parametrize("path", ["runs/", "actions/", "dead-letters/", "runs/{run}/steps/"])
def test_a_forged_cursor_is_422(api, completed, path, text):
    answer = api.get(f"/api/v1/{path.format(run=completed.pk)}?cursor={cursor(text)}")

    assert_problem(answer, 422, "invalid", "cursor")


@pytest.mark.parametrize("text", ["x", "%ff", "%E9", "bz0tMQ"])
def test_a_garbled_cursor_is_422(api, text):
    assert_problem(api.get(f"{RUNS}?cursor={text}"), 422, "invalid", "cursor")


# Cancel


def test_a_queued_run_is_cancelled_at_once_and_twice_is_harmless(api, post):
    run = post("clerk")

    answers = [api.post(f"{RUNS}{run.pk}/cancel/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.json()["status"] for answer in answers} == {"cancelled"}


def test_cancelling_a_waiting_run_closes_its_action(api, approval):
    assert api.post(f"{RUNS}{approval.run_id}/cancel/", {}).json()["open_actions"] == []

    approval.refresh_from_db()
    assert approval.status == "cancelled"


def test_what_has_ended_cannot_be_cancelled(api, completed):
    assert_problem(api.post(f"{RUNS}{completed.pk}/cancel/"), 409, "wrong_state")


def test_a_failed_run_cannot_be_cancelled(api, failed):
    assert_problem(api.post(f"{RUNS}{failed.pk}/cancel/"), 409, "wrong_state")


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_a_verb_without_arguments_takes_none(api, post, verb):
    assert_problem(api.post(f"{RUNS}{post('clerk').pk}/{verb}/", {"force": True}), 422, "invalid", "force")


# Retry


def test_retrying_a_failed_run_continues_it(api, failed, work):
    answer = api.post(f"{RUNS}{failed.pk}/retry/")
    work()

    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (202, str(failed.pk), "queued")
    failed.refresh_from_db()
    assert (failed.status, failed.fence) == ("completed", 2)
    assert_problem(api.post(f"{RUNS}{failed.pk}/retry/"), 409, "wrong_state")


def test_retrying_a_run_that_waits_for_its_next_try_makes_it_now(api, offline, post, work):
    offline({"turns": [say("Done.", faults=[{"kind": "overloaded"}])]})
    run = post("clerk")
    work()
    assert api.get(f"{RUNS}{run.pk}/").json()["status"] == "retrying"

    answer = api.post(f"{RUNS}{run.pk}/retry/")

    assert (answer.status_code, answer.json()["status"], answer.json()["next_attempt_at"]) == (202, "queued", None)
    assert_problem(api.post(f"{RUNS}{run.pk}/retry/"), 409, "wrong_state")


def test_only_a_failed_run_is_retried(api, post, completed):
    for run in (post("clerk"), completed):
        assert_problem(api.post(f"{RUNS}{run.pk}/retry/"), 409, "wrong_state")


# Messages


def test_a_message_answers_the_open_question(api, question, work):
    answer = api.post(f"{RUNS}{question.run_id}/messages/", {"text": "order 7"})
    work()

    assert (answer.status_code, answer.json()["status"]) == (202, "answered")
    question.refresh_from_db()
    assert question.decided_by.get_username() == "service@acme"
    assert api.get(f"{RUNS}{question.run_id}/").json()["open_actions"] != [str(question.pk)]


def test_a_last_word_completes_the_run(api, question, work):
    api.post(f"{RUNS}{question.run_id}/messages/", {"text": "bye", "end": True})
    work()

    assert api.get(f"{RUNS}{question.run_id}/").json()["status"] == "completed"


def test_a_run_without_an_open_question_takes_no_message(api, completed, approval):
    for run in (completed.pk, approval.run_id):
        assert_problem(api.post(f"{RUNS}{run}/messages/", {"text": "hello"}), 409, "wrong_state")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": 1}, "text"),
        ({"text": "a\x00"}, "text"),
        ({"text": "x", "end": "yes"}, "end"),
        ({"text": "x", "end": 1}, "end"),
        ({"text": "x" * 100_001}, "text"),
        ({"text": "x", "to": "y"}, "to"),
        ({"text": json.loads("[" * 40 + "]" * 40)}, "text"),
    ],
)
def test_a_message_that_does_not_fit_is_422(api, question, body, field):
    assert_problem(api.post(f"{RUNS}{question.run_id}/messages/", body), 422, "invalid", field)


def test_a_cancelled_run_says_who_asked_and_what_it_did_last(api, outcome):
    assert api.get(f"{RUNS}{outcome.run_id}/").json()["cancellation"] is None

    document = api.post(f"{RUNS}{outcome.run_id}/cancel/").json()

    cancellation, step = document["cancellation"], outcome.step
    assert (cancellation["requested_by"], document["requested_by"]) == ("service@acme", "asker")
    assert cancellation["requested_at"].endswith("Z") and cancellation["spent_after_usd"] == "0"
    last = {"seq": step.seq, "tool": "send", "effect_key": step.effect_key, "status": "unknown"}
    assert cancellation["last_effect"] == last
    assert api.get(f"{RUNS}{outcome.run_id}/").json()["cancellation"] == cancellation


def test_a_fork_starts_a_run_that_reuses_the_steps_before(api, completed, work):
    answer = api.post(f"{RUNS}{completed.pk}/fork/", {"from_step": 2})
    fork = answer.json()

    assert (answer.status_code, fork["forked_from"], fork["status"]) == (202, str(completed.pk), "queued")
    assert answer.headers["Location"] == fork["links"]["self"]
    (step,) = api.get(f"{RUNS}{fork['id']}/steps/").json()["results"]
    assert step["reused_from"] and step["effect_key"] is None and step["cost_usd"] == "0"
    work()
    assert api.get(f"{RUNS}{fork['id']}/").json()["output"] == {"values": [1, 4]}


def test_only_what_has_ended_is_forked(api, post):
    run = post("squares", input={"upto": 1})

    assert_problem(api.post(f"{RUNS}{run.pk}/fork/", {"from_step": 1}), 409, "wrong_state")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "from_step"),
        ({"from_step": "1"}, "from_step"),
        ({"from_step": 0}, "from_step"),
        ({"from_step": 3}, "from_step"),
        ({"from_step": 2, "input": {"upto": 1}}, "input"),
        ({"from_step": 1, "input": {"upto": "x"}}, "input.upto"),
        ({"from_step": 1, "step": 1}, "step"),
    ],
)
def test_a_fork_that_does_not_fit_is_422(api, completed, body, field):
    assert_problem(api.post(f"{RUNS}{completed.pk}/fork/", body), 422, "invalid", field)
