"""The output of a plain job is held against its `output_schema`, as that of an agent is."""

import json

import pytest

from deadletters.models import DeadLetter
from runs.invariants.every import breaches
from runs.models import Run
from runs.operations.replay_run import retry_run
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db


def test_an_output_that_fits_is_the_runs_output(post, work):
    run = post("assess", input={"verdict": {"score": 3, "reason": "fine"}})

    work()

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", {"score": 3, "reason": "fine"})


@pytest.mark.parametrize(
    ("verdict", "field"),
    [
        ({"score": "high", "reason": "x"}, "score"),
        ({"score": 3}, "reason"),
        (None, "object"),
        ("3", "object"),
        ([], "object"),
    ],
)
def test_one_that_does_not_fails_the_run_by_name_and_what_was_done_stays_done(post, work, user, verdict, field):
    run = post("assess", input={"verdict": verdict})

    work()

    run.refresh_from_db()
    assert (run.status, run.last_error["type"]) == ("failed", "OutputInvalidError")
    assert field in run.last_error["message"] and "Assess.run" in run.last_error["message"]
    letter = DeadLetter.objects.get(run_id=run.pk)
    assert "act" in str(json.loads(letter.effects)["done"]) and letter.error_kind == "permanent"
    retry_run(run, user=user)
    work()
    assert Run.objects.get(pk=run.pk).status == "failed" and CALLS["square-2"] == 1
    assert [str(breach) for breach in breaches(look_again_after_s=0)] == []
