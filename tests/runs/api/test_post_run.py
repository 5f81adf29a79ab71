"""Posting a run: what is answered, what is refused, and that a key makes it happen once."""

import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from runs.models import Run
from tests.runs.api.conftest import NOBODY, RUNS, Api, assert_problem

pytestmark = pytest.mark.django_db

CLERK = {"job_type": "clerk", "input": {"text": "hello"}}


def test_a_posted_run_is_answered_with_202_and_its_address(api, tenant):
    answer = api.post(RUNS, CLERK | {"priority": 9, "metadata": {"order": 7}, "max_cost_usd": "0.10", "timeout_s": 30})

    document = answer.json()
    run = Run.objects.get()
    assert answer.status_code == 202
    assert answer.headers["Location"] == document["links"]["self"] == f"http://testserver{RUNS}{run.pk}/"
    assert document["id"] == str(run.pk) and run.tenant == tenant
    assert (document["status"], document["queue"], document["priority"]) == ("queued", "agents", 9)
    assert (document["input"], document["metadata"]) == ({"text": "hello"}, {"order": 7})
    assert (document["max_cost_usd"], document["cost_usd"], document["timeout_s"]) == ("0.1", "0", 30)
    assert api.get(answer.headers["Location"]).json() == document


@pytest.mark.fault(5)
def test_with_redis_away_a_run_is_accepted_and_done(api, work):
    # The settings of the tests name a Redis that nobody answers.
    answer = api.post(RUNS, {"job_type": "squares", "input": {"upto": 2}})
    work()

    assert answer.status_code == 202
    assert api.get(answer.headers["Location"]).json()["status"] == "completed"


@pytest.mark.parametrize("zone", ["Z", "+02:00"])
def test_a_run_for_later_is_scheduled_and_says_why(api, zone):
    at = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0, tzinfo=None)

    document = api.post(RUNS, CLERK | {"scheduled_at": f"{at.isoformat()}{zone}"}).json()

    due = at - timedelta(hours=2 if zone != "Z" else 0)
    assert (document["status"], document["next_attempt_at"]) == ("scheduled", f"{due.isoformat()}Z")
    assert document["why"] == [
        {"code": "scheduled", "message": "starts by its timer", "until": document["next_attempt_at"]}
    ]


@pytest.mark.parametrize(("at", "status"), [("0001-01-01T00:00:00Z", "queued"), ("9999-12-31T23:59:59Z", "scheduled")])
def test_the_ends_of_time_are_times(api, at, status):
    assert api.post(RUNS, CLERK | {"scheduled_at": at}).json()["status"] == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"job_type": "nope"}, "job_type"),
        ({"job_type": " clerk "}, "job_type"),
        ({"job_type": ""}, "job_type"),
        ({"job_type": 5}, "job_type"),
        ({"job_type": "\x00"}, "job_type"),
        ({"job_type": "\ud800"}, "job_type"),
        ({"input": {"text": 1}}, "input.text"),
        ({"input": {}}, "input.text"),
        ({"input": {"text": "x", "more": 1}}, "input.more"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"priority": "5"}, "priority"),
        ({"priority": 5.0}, "priority"),
        ({"priority": True}, "priority"),
        ({"priority": 10}, "priority"),
        ({"priority": -1}, "priority"),
        ({"priority": 10**300}, "priority"),
        ({"timeout_s": "10"}, "timeout_s"),
        ({"timeout_s": True}, "timeout_s"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": 10**300}, "timeout_s"),
        ({"timeout_s": 10**400}, "timeout_s"),
        ({"max_cost_usd": "NaN"}, "max_cost_usd"),
        ({"max_cost_usd": "Infinity"}, "max_cost_usd"),
        ({"max_cost_usd": -1}, "max_cost_usd"),
        ({"max_cost_usd": 1e30}, "max_cost_usd"),
        ({"max_cost_usd": "1e3"}, "max_cost_usd"),
        ({"max_cost_usd": "1_0"}, "max_cost_usd"),
        ({"max_cost_usd": "１"}, "max_cost_usd"),  # noqa: RUF001 (a digit that Decimal takes)
        ({"max_cost_usd": "-0"}, "max_cost_usd"),
        ({"max_cost_usd": True}, "max_cost_usd"),
        ({"scheduled_at": "tomorrow"}, "scheduled_at"),
        ({"scheduled_at": "2030-01-01T00:00:00"}, "scheduled_at"),
        ({"scheduled_at": "2030-01-01"}, "scheduled_at"),
        ({"scheduled_at": "2030-02-30T00:00:00Z"}, "scheduled_at"),
        ({"scheduled_at": "0001-01-01T00:00:00+14:00"}, "scheduled_at"),
        ({"scheduled_at": "9999-12-31T23:59:59-14:00"}, "scheduled_at"),
        ({"scheduled_at": 2_000_000_000}, "scheduled_at"),
        ({"metadata": []}, "metadata"),
        ({"metadata": json.loads("[" * 40 + "]" * 40)}, "metadata"),
        ({"lane": "fast"}, "lane"),
        ({"continues": "x"}, "continues"),
        ({"continues": 5}, "continues"),
        ({"continues": True}, "continues"),
        ({"on_conflict": "panic"}, "on_conflict"),
        ({"colour": "red"}, "colour"),
        ({"\ud800": 1}, "\ufffd"),
        ({"\x00": 1}, "\ufffd"),
    ],
)
def test_what_does_not_fit_is_422_and_named(api, body, field):
    assert_problem(api.post(RUNS, CLERK | body), 422, "invalid", field)
    assert not Run.objects.exists()


def test_every_wrong_field_is_named_at_once(api):
    answer = api.post(RUNS, {"priority": 11, "lane": "x"})

    assert_problem(answer, 422, "invalid", "job_type", "priority", "lane")


@pytest.mark.parametrize(("field", "value"), [("webhook_url", "https://example.org/")])
def test_what_is_not_built_is_refused_and_never_ignored(api, field, value):
    assert_problem(api.post(RUNS, CLERK | {field: value}), 422, "not_supported", field)


def test_text_that_no_database_stores_is_mended(api):
    text = api.post(RUNS, {"job_type": "clerk", "input": {"text": "a\x00b\ud800c"}}).json()["input"]["text"]

    assert text == "a\ufffdb\ufffdc"


def test_a_deep_input_is_refused_and_a_flat_one_of_any_size_taken(api):
    deep = json.loads('{"a":' * 40 + "1" + "}" * 40)

    assert_problem(api.post(RUNS, {"job_type": "clerk", "input": deep}), 422, "invalid", "input")
    assert api.post(RUNS, CLERK | {"metadata": {str(n): n for n in range(5000)}}).status_code == 202


# Keys


@pytest.mark.fault(51)
def test_the_same_key_and_body_are_the_same_run(api):
    first, second = (api.post(RUNS, CLERK, **{"Idempotency-Key": "k"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"] and first.headers["Location"] == second.headers["Location"]
    assert Run.objects.count() == 1


@pytest.mark.fault(51)
@pytest.mark.parametrize("other", [{"priority": 6}, {"input": {"text": "other"}}, {"metadata": {"a": 1}}])
def test_the_same_key_with_another_body_is_422(api, other):
    api.post(RUNS, CLERK, **{"Idempotency-Key": "k"})

    answer = api.post(RUNS, CLERK | other, **{"Idempotency-Key": "k"})

    assert_problem(answer, 422, "conflict", "Idempotency-Key")
    assert Run.objects.count() == 1


def test_the_same_key_of_another_tenant_is_another_run(api, foreign):
    ids = {one.post(RUNS, CLERK, **{"Idempotency-Key": "k"}).json()["id"] for one in (api, foreign)}

    assert len(ids) == 2


def test_without_a_key_the_same_body_is_another_run(api):
    assert api.post(RUNS, CLERK).json()["id"] != api.post(RUNS, CLERK).json()["id"]


def test_a_refused_body_does_not_use_up_its_key(api):
    assert api.post(RUNS, CLERK | {"priority": 11}, **{"Idempotency-Key": "k"}).status_code == 422

    assert api.post(RUNS, CLERK, **{"Idempotency-Key": "k"}).status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b", "é", "\ud800", "a\tb"])
def test_a_key_that_nobody_can_have_meant_is_422(api, key):
    assert_problem(api.post(RUNS, CLERK, **{"Idempotency-Key": key}), 422, "invalid", "Idempotency-Key")


def test_the_longest_key_is_taken(api):
    assert api.post(RUNS, CLERK, **{"Idempotency-Key": "x" * 255}).status_code == 202


@pytest.mark.fault(51)
@pytest.mark.django_db(transaction=True)
def test_two_posts_at_once_under_one_key_are_one_run(token):
    together = threading.Barrier(2)
    answers = []

    def post() -> None:
        together.wait(5)
        answers.append(Api(token).post(RUNS, CLERK, **{"Idempotency-Key": "k"}))
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1 and Run.objects.count() == 1


# Going on with a conversation


@pytest.fixture
def talked(question, api, work) -> Run:
    api.post(f"{RUNS}{question.run_id}/messages/", {"text": "bye", "end": True})
    work()
    run = Run.objects.get(pk=question.run_id)
    assert run.status == "completed"
    return run


def test_a_completed_conversation_can_be_continued_several_times(api, talked):
    body = {"job_type": "talker", "input": {"text": "again"}, "continues": str(talked.pk)}

    first, second = api.post(RUNS, body), api.post(RUNS, body)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["continues"] == str(talked.pk) and first.json()["id"] != second.json()["id"]
    assert Decimal(first.json()["cost_usd"]) == 0, "it has cost and limits of its own"


def test_a_run_that_has_not_completed_cannot_be_continued(api, question):
    body = {"job_type": "talker", "input": {"text": "again"}, "continues": str(question.run_id)}

    assert_problem(api.post(RUNS, body), 409, "wrong_state")


def test_only_a_run_of_the_same_tenant_and_job_type_can_be_continued(api, foreign, talked):
    body = {"input": {"text": "again"}, "continues": str(talked.pk)}
    answers = [
        api.post(RUNS, body | {"job_type": "clerk"}),
        foreign.post(RUNS, body | {"job_type": "talker"}),
        api.post(RUNS, body | {"job_type": "talker", "continues": NOBODY}),
    ]

    assert [answer.status_code for answer in answers] in ([409] * 3, [422] * 3)
    assert Run.objects.count() == 1


def test_a_key_stands_for_the_same_body_whether_it_names_the_standard_lane_or_none(api):
    answers = [api.post(RUNS, CLERK | lane, **{"Idempotency-Key": "k"}) for lane in ({}, {"lane": "standard"})]

    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert_problem(
        api.post(RUNS, CLERK | {"lane": "batch"}, **{"Idempotency-Key": "k"}), 422, "conflict", "Idempotency-Key"
    )


def test_a_ceiling_of_money_for_a_plain_job_is_refused_by_name_and_not_ignored(api):
    body = {"job_type": "squares", "input": {"upto": 1}}

    for usd in ("0.50", 0):
        assert_problem(api.post(RUNS, body | {"max_cost_usd": usd}), 422, "not_supported", "max_cost_usd")
    assert api.post(RUNS, body | {"max_cost_usd": None}).status_code == 202


def test_every_link_of_a_run_leads_somewhere(api, completed):
    links = api.get(f"{RUNS}{completed.pk}/").json()["links"]

    assert {name: api.get(link).status_code for name, link in links.items()} == {
        "self": 200,
        "steps": 200,
        "cancel": 405,  # a verb: POST alone
    }
