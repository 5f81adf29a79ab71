"""`doctor` says what is well, what is not, and what to do about it; its table of errors is the documented one."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from runs import clock
from runs.models import CircuitBreaker, Mail, Worker, post_mail

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"


def doctor(*options):
    said = StringIO()
    try:
        call_command("doctor", *options, stdout=said)
    except SystemExit as end:
        return end.code, said.getvalue()
    return 0, said.getvalue()


def by_what(said):
    return {finding["what"]: finding for finding in json.loads(said.splitlines()[-1])["findings"]}


def test_the_documented_table_of_errors_is_the_one_in_the_code():
    _, printed = doctor("--errors")

    documented = DOCS.read_text().split("against the code) -->\n")[1].split("\n<!-- errors: end")[0]
    assert documented == printed.strip()


@pytest.mark.django_db
def test_queued_runs_that_nobody_serves_are_a_finding_with_its_remedy(post):
    post("clerk")

    code, said = doctor("--json")

    queue = by_what(said)["queue agents"]
    assert code == 1 and not queue["is_well"]
    assert queue["said"] == "no live worker, 1 runs queued" and "rqworker agents" in queue["remedy"]
    assert by_what(said)["database"]["is_well"] and by_what(said)["price of claude-sonnet-5-5"]["is_well"]


@pytest.mark.django_db
def test_a_redis_that_is_away_is_a_finding_that_says_what_still_works():
    code, said = doctor("--json")

    redis = by_what(said)["redis"]
    assert code == 1 and not redis["is_well"] and "workers find work by themselves" in redis["remedy"]


@pytest.mark.django_db
def test_an_open_circuit_is_shown_with_its_reason():
    Worker.objects.all().delete()
    CircuitBreaker.objects.create(
        provider="anthropic",
        model="m",
        open_reason="rate",
        open_until=clock.now(),
        opened_at=clock.now(),
        reason="later",
    )

    code, said = doctor()

    assert code == 1 and "LOOK  circuit anthropic m: open until" in said and "later" in said


@pytest.mark.django_db
def test_mails_that_wait_too_long_or_were_given_up_are_findings():
    _, said = doctor("--json")
    assert by_what(said)["mails"]["is_well"]

    post_mail(["olga@acme.example"], "News", "")
    assert by_what(doctor("--json")[1])["mails"]["is_well"], "it has only just been posted"
    Mail.objects.update(created_at=clock.in_seconds(-601))
    late = by_what(doctor("--json")[1])["mails waiting"]
    Mail.objects.update(next_try_at=None, given_up_at=clock.in_seconds(-3600))
    given_up = by_what(doctor("--json")[1])["mails given up"]
    Mail.objects.update(given_up_at=clock.in_seconds(-25 * 3600))

    assert not late["is_well"] and late["said"] == "1 for more than 10 minutes"
    assert not given_up["is_well"] and "send them again" in given_up["remedy"]
    assert by_what(doctor("--json")[1])["mails"]["is_well"], "that was yesterday"
