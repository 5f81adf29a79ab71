"""Posting through the API: what is answered for each policy, and when a queue is full."""

import pytest

from runs import clock
from runs.models import Limit, Run
from tests.at_once import at_once
from tests.runs.api.conftest import RUNS, Api, assert_problem

pytestmark = pytest.mark.django_db

SCAN = {"job_type": "scan", "input": {"document": "a"}}


def posted(api, policy=None, **headers):
    return api.post(RUNS, SCAN | ({"on_conflict": policy} if policy else {}), **headers)


def outcome(answer):
    conflict = answer.json()["conflict"]
    assert conflict["run"] == answer.json()["id"]
    assert answer.headers["Location"].endswith(f"{RUNS}{conflict['run']}/")
    return answer.status_code, conflict["policy"], conflict["applied"]


def test_without_a_policy_nothing_is_said_of_conflicts(api):
    answer = api.post(RUNS, {"job_type": "squares", "input": {"upto": 1}})

    assert answer.status_code == 202 and "conflict" not in answer.json()


def test_queue_makes_another_run(api):
    first, second = posted(api, "queue"), posted(api, "queue")

    assert (first.status_code, second.status_code) == (202, 202) and first.json()["id"] != second.json()["id"]


def test_discard_answers_200_with_the_run_that_is_there(api):
    first, second = posted(api), posted(api, "discard")

    assert outcome(first) == (202, "discard", "none")
    assert outcome(second) == (200, "discard", "discarded")
    assert first.json()["id"] == second.json()["id"] and Run.objects.count() == 1


def test_join_answers_202_for_several_clients_that_wait_for_one_run(api, work):
    answers = [posted(api, "join") for _ in range(3)]
    work()

    assert [outcome(answer) for answer in answers] == [
        (202, "join", "none"),
        (202, "join", "joined"),
        (202, "join", "joined"),
    ]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert api.get(answers[2].headers["Location"]).json()["output"] == "a"


@pytest.mark.parametrize(("policy", "applied"), [("replace", "replaced"), ("interrupt", "interrupted")])
def test_replace_and_interrupt_answer_202_with_the_new_run_and_name_the_old_one(api, policy, applied):
    first, second = posted(api), posted(api, policy)

    assert outcome(second) == (202, policy, applied)
    assert second.json()["conflict"]["displaced"] == [first.json()["id"]]
    assert api.get(first.headers["Location"]).json()["status"] == "cancelled"


def test_a_fresh_result_is_reused(api, work):
    body = {"job_type": "digest", "input": {"document": "a"}}
    api.post(RUNS, body)
    work()

    answer = api.post(RUNS, body)

    assert outcome(answer) == (200, "queue", "reused") and answer.json()["status"] == "completed"


def test_a_key_goes_first_and_repeats_its_answer(api, work):
    first = posted(api)
    discarded = posted(api, **{"Idempotency-Key": "k"})
    work()

    again = posted(api, **{"Idempotency-Key": "k"})

    assert discarded.json()["id"] == again.json()["id"] == first.json()["id"]
    other = posted(api, "replace", **{"Idempotency-Key": "k"})
    assert_problem(other, 422, "conflict", "Idempotency-Key")


def test_another_tenant_shares_nothing(api, foreign):
    assert posted(api).json()["id"] != posted(foreign).json()["id"]


def test_a_retry_beside_an_active_run_of_the_key_is_409_and_names_it(api, work):
    failing = {"job_type": "scan", "input": {"document": "a", "effect": "nonsense"}}
    first = api.post(RUNS, failing)
    work()
    assert api.get(first.headers["Location"]).json()["status"] == "failed"
    second = posted(api)

    answer = api.post(f"{RUNS}{first.json()['id']}/retry/")

    assert second.json()["id"] in assert_problem(answer, 409, "wrong_state")["detail"]


def test_the_catalog_tells_the_policy(api):
    types = {one["name"]: one for one in api.get("/api/v1/job-types/").json()["results"]}

    assert (types["scan"]["on_conflict"], types["scan_once"]["unique_for_s"]) == ("discard", 60)
    assert (types["digest"]["on_conflict"], types["digest"]["fresh_for_s"]) == ("queue", 3600)


def test_a_full_queue_answers_429_with_retry_after(api, work):
    Limit.objects.create(kind="backlog", queue="batch", most=1)
    assert posted(api, "queue").status_code == 202

    answer = posted(api, "queue")

    document = assert_problem(answer, 429, "queue_full")
    assert document["detail"].startswith("in the queue 'batch' 1 runs are waiting, and its ceiling is 1: post again in")
    assert 1 <= int(answer.headers["Retry-After"]) <= 300
    work()
    clock.advance(1.1)
    assert posted(api, "queue").status_code == 202


def test_a_refused_post_does_not_use_up_its_key(api, work):
    Limit.objects.create(kind="backlog", queue="batch", most=0)
    assert posted(api, **{"Idempotency-Key": "k"}).status_code == 429
    Limit.objects.all().delete()
    clock.advance(1.1)

    assert posted(api, **{"Idempotency-Key": "k"}).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_fifty_mashed_clicks_are_one_run(token):
    answers = at_once(50, lambda _: posted(Api(token), "discard"))

    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1 and Run.objects.count() == 1
