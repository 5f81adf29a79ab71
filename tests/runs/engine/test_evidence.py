"""What a person is shown about a call whose worker was lost."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from runs.engine import perform
from runs.engine.advance import advance
from runs.errors import InvalidTransitionError
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import PendingAction, Run, Step, Worker
from runs.operations.actions.resolve import resolve
from runs.queue.claim import claim_next
from tests.runs.engine.story import say, use

pytestmark = pytest.mark.django_db


class Crash(BaseException):
    """The process is gone."""


def test_the_outcome_of_a_lost_workers_call_shows_the_worker_and_its_last_heartbeat(
    offline, post, work, user, monkeypatch
):
    offline({"turns": [use(("send", {"to": "bob"})), say("Done.")]})
    run = post("clerk")
    worker = Worker.objects.create(
        id=uuid4(), name="box:77", host="box", pid=77, queues=["agents"], slots=1, started_at=Now(), heartbeat_at=Now()
    )
    claimed = claim_next(["agents"], worker_id=worker.pk, worker_name="box:77")

    def die(point):
        if point == "tool.after":
            raise Crash

    monkeypatch.setattr(perform, "fault_point", die)
    with pytest.raises(Crash):
        advance(*claimed)
    monkeypatch.undo()
    worker.refresh_from_db()
    Run.objects.filter(pk=run.pk).update(lease_expires_at=Now() - timedelta(seconds=1))

    rescue_runs()
    work()

    action, step = PendingAction.objects.get(run=run), Step.objects.get(run=run, seq=2)
    iso = "%Y-%m-%dT%H:%M:%S"
    assert action.evidence["worker"] == "box:77"
    assert action.evidence["last_heartbeat_at"].startswith(worker.heartbeat_at.strftime(iso))
    assert action.evidence["begun_at"].startswith(step.started_at.strftime(iso))
    with pytest.raises(InvalidTransitionError, match="may still arrive until"):
        resolve(action, user=user, outcome="did_not_happen")
