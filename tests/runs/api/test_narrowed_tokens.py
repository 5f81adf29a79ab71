"""Tokens narrowed to job types: they read everything of the tenant, and act on those job types alone."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import get_resolver

from runs.models import SCOPES, Run
from tests.runs.api.conftest import ACTIONS, GROUPS, LETTERS, REDRIVES, RUNS, Api, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def narrowed(tenant, capsys):
    """A client with every scope that acts on `clerk` and `talker`."""
    call_command("token", "--tenant", "acme", "--scopes", ",".join(SCOPES), "--job-types", "clerk, talker")
    return Api(capsys.readouterr().out.strip())


def refused(response, job_type):
    assert job_type in assert_problem(response, 403, "forbidden")["detail"]


def test_it_posts_its_job_types_and_no_other(narrowed):
    assert narrowed.post(RUNS, {"job_type": "clerk", "input": {"text": "hi"}}).status_code == 202

    refused(narrowed.post(RUNS, {"job_type": "squares", "input": {"upto": 1}}), "squares")
    refused(narrowed.post(RUNS, {"job_type": "no_such"}), "no_such")
    assert Run.objects.count() == 1


def test_a_key_that_another_token_used_does_not_open_the_door(api, narrowed):
    body = {"job_type": "squares", "input": {"upto": 1}}
    assert api.post(RUNS, body, **{"Idempotency-Key": "k"}).status_code == 202

    refused(narrowed.post(RUNS, body, **{"Idempotency-Key": "k"}), "squares")


@pytest.mark.parametrize(
    ("verb", "body"), [("cancel", None), ("retry", None), ("fork", {"from_step": 1}), ("messages", {"text": "hi"})]
)
def test_it_does_nothing_to_a_run_of_another_job_type(narrowed, failed, verb, body):
    refused(narrowed.post(f"{RUNS}{failed.pk}/{verb}/", body), "squares")

    failed.refresh_from_db()
    assert failed.status == "failed" and Run.objects.count() == 1


def test_it_reads_all_runs_of_the_tenant(narrowed, failed):
    assert narrowed.get(f"{RUNS}{failed.pk}/").status_code == 200
    assert len(narrowed.get(RUNS).json()["results"]) == 1


def test_it_answers_and_decides_about_its_own_job_types_alone(narrowed, question, budget):
    answered = narrowed.post(f"{RUNS}{question.run_id}/messages/", {"text": "order 7"})

    assert answered.status_code == 202
    for verb, body in [("approve", {}), ("raise", {"max_cost_usd": "1"}), ("reject", {"note": "no"})]:
        refused(narrowed.post(f"{ACTIONS}{budget.pk}/{verb}/", body), "thrifty")
    bulk = {"ids": [str(budget.pk)], "verb": "reject", "note": "no"}
    refused(narrowed.post(f"{ACTIONS}bulk/", bulk), "thrifty")
    budget.refresh_from_db()
    assert budget.status == "open"


def test_it_touches_no_dead_letter_or_cause_of_another_job_type(narrowed, letter):
    for verb, body in [("replay", {}), ("discard", {"note": "n"}), ("assign", {"user": "service@acme"})]:
        refused(narrowed.post(f"{LETTERS}{letter.pk}/{verb}/", body), "squares")
    refused(narrowed.post(f"{GROUPS}{letter.group_id}/resolve/", {}), "squares")
    letter.refresh_from_db()
    assert letter.status == "open"


def test_it_grants_no_rule_for_every_job_type(narrowed):
    rule = {"tool": "pay", "reason": "r", "expires_at": "2090-01-01T00:00:00Z", "max_uses": 1}

    for job_type in ("", "cashier"):
        assert_problem(narrowed.post("/api/v1/approval-rules/", rule | {"job_type": job_type}), 403, "forbidden")


@pytest.mark.parametrize("address", [REDRIVES, "/api/v1/limits/", "/api/v1/pauses/"])
def test_it_sets_nothing_that_holds_for_more_than_its_job_types(narrowed, address):
    assert_problem(narrowed.post(address, {}), 403, "forbidden")


def test_the_catalog_shows_what_it_may_post(narrowed):
    assert [one["name"] for one in narrowed.get("/api/v1/job-types/").json()["results"]] == ["clerk", "talker"]


@pytest.mark.parametrize("named", ["clrek", "clerk,no_such"])
def test_a_job_type_that_is_not_declared_is_refused_at_once(db, named):
    with pytest.raises(CommandError, match=r"no job type.*clerk"):
        call_command("token", "--tenant", "acme", "--job-types", named)


def test_every_verb_without_an_object_either_looks_at_the_job_type_or_is_refused(narrowed):
    """Whatever is added to the API later."""
    lists = {
        f"/api/v1/{route}/"
        for route in (str(pattern.pattern) for pattern in get_resolver("runs.api.urls").url_patterns)
        for route in [route.rstrip("/")]
        if route and "<" not in route and "^" not in route
    }

    answers = {address: narrowed.post(address, {}).status_code for address in sorted(lists)}

    assert len(answers) > 10 and set(answers.values()) <= {403, 405, 422}
    assert {address for address, status in answers.items() if status == 422} == {
        RUNS, f"{ACTIONS}bulk/", "/api/v1/approval-rules/",  # look at the job type once the body is valid
        "/api/v1/queues/", "/api/v1/schedules/", "/api/v1/webhooks/", "/api/v1/artifacts/",  # not built
    }  # fmt: skip
