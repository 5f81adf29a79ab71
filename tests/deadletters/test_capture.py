"""Letters as they are made: what they hold, what is logged, and how far a chain of replays is."""

import json
import logging
from uuid import uuid4

import pytest

from deadletters.models import DeadLetter
from runs.declarations.catalog import job_type_named
from runs.maintenance.wake_timers import wake_timers
from tests.deadletters.letters import fail
from tests.runs.engine.story import say, use
from tests.testapp.agents import FAIL

pytestmark = pytest.mark.django_db

REFUSAL = {"kind": "status", "status": 403, "error_type": "permission_error", "message": "no", "times": 1}


def test_a_letter_of_a_real_run_tells_step_tries_version_and_kind(offline, post, work):
    offline({"turns": [use(("send", {"to": "bob"})), say("Done.", faults=[REFUSAL])]})
    run = post("clerk")
    work()

    run.refresh_from_db()
    letter = DeadLetter.objects.get(run_id=run.pk)
    assert (letter.step, letter.step_name, letter.attempt) == (3, "claude-sonnet-5-5", 1)
    assert letter.version == run.definition.hash[:12]
    assert (letter.error_kind, letter.replays) == ("permanent", 0)
    assert [one["tool"] for one in json.loads(letter.effects)["done"]] == ["send"]
    assert letter.group.count == 1 and letter.group.fingerprint == letter.fingerprint


def test_the_kind_of_an_error_is_what_the_rows_of_its_job_type_say(post, work, monkeypatch):
    monkeypatch.setattr(type(job_type_named("squares")), "errors", {KeyError: "transient"})
    monkeypatch.setitem(FAIL, "square-1", [KeyError("gone")] * 4)
    run = post("squares", input={"upto": 1})

    for _ in range(4):
        work()
        wake_timers()

    letter = DeadLetter.objects.get(run_id=run.pk)
    assert (letter.error_class, letter.error_kind, letter.attempts) == ("KeyError", "transient", 4)


def test_each_letter_is_one_line_of_the_log_without_its_message(caplog):
    with caplog.at_level(logging.ERROR, logger="deadletters"):
        letter = fail("the password is hunter2")

    (record,) = [one for one in caplog.records if one.name.startswith("deadletters")]
    for known in (letter.run_id, letter.tenant, letter.step_name, letter.fingerprint, letter.error_class):
        assert str(known) in record.getMessage()
    assert (record.run_id, record.tenant, record.fingerprint) == (str(letter.run_id), "acme", letter.fingerprint)
    assert "hunter2" not in record.getMessage()


def test_a_run_that_fails_is_one_line_of_the_log_which_quotes_nothing(post, work, monkeypatch, caplog):
    monkeypatch.setitem(FAIL, "square-1", [ValueError("the password is hunter2")])
    run = post("squares", input={"upto": 1})

    with caplog.at_level(logging.INFO):
        work()

    (record,) = [one for one in caplog.records if str(run.pk) in one.getMessage()]
    assert record.levelname == "ERROR" and record.getMessage().startswith("dead letter")
    assert "hunter2" not in caplog.text


def test_the_chain_of_replays_is_counted_over_runs_and_forks():
    run, fork, later = uuid4(), uuid4(), uuid4()

    def replayed(letter, run_id):
        DeadLetter.objects.filter(pk=letter.pk).update(status="replayed", replayed_as=run_id)

    first = fail(run_id=run)
    replayed(first, run)  # continued
    second = fail(run_id=run)
    replayed(second, fork)  # done anew, as another run
    third = fail(run_id=fork, forked_from=run)
    forked_by_hand = fail(run_id=later, forked_from=fork)

    assert [letter.replays for letter in (first, second, third)] == [0, 1, 2]
    assert forked_by_hand.replays == 2
    assert fail(run_id=uuid4()).replays == 0
