"""A worker that dies while it takes a result from a batch: the next holder takes it, and nothing is paid twice."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from runs.maintenance.rescue_runs import rescue_runs
from runs.models import ModelCall, Run
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

LOOK_UP = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"key": "a"}}


@pytest.mark.parametrize(
    ("point", "nth"),
    [("claim.after", 1), ("recover.before", 1), ("journal.after", 1), ("tool.after", 1), ("journal.after", 2)],
)
def test_a_result_is_taken_once_whoever_dies_over_it(offline, say, post, work, tend, finish, die_at, point, nth):
    model = offline(say(LOOK_UP, "Done."))
    run = post("clerk", lane="batch")
    CALLS.clear()
    work(), tend()

    die_at(point, nth)
    Run.objects.filter(status="running").update(lease_expires_at=Now() - timedelta(seconds=1))
    rescue_runs()
    finish(4)

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", "Done.")
    assert list(ModelCall.objects.values_list("status", flat=True)) == ["settled", "settled"]
    assert len(model.requests) == 2


@pytest.mark.parametrize("point", ["claim.after", "journal.after"])
def test_a_call_is_laid_in_once_whoever_dies_over_it(offline, say, post, finish, die_at, point):
    model = offline(say("Hi"))
    run = post("clerk", lane="batch")

    die_at(point)
    Run.objects.filter(status="running").update(lease_expires_at=Now() - timedelta(seconds=1))
    rescue_runs()
    finish(3)

    run.refresh_from_db()
    assert run.status == "completed"
    assert ModelCall.objects.count() == len(model.requests) == 1
