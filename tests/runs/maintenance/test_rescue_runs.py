"""A rescue takes nothing from a worker that lives: it demands an expired lease in the very write."""

from datetime import timedelta
from uuid import uuid4

import pytest

from runs import clock
from runs.clock import Now
from runs.maintenance import rescue_runs as module
from runs.models import Run
from runs.queue.claim import claim_next

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("crashes", [0, 2], ids=["a rescue", "a dead letter"])
def test_a_heartbeat_between_look_and_rescue_keeps_the_run(post, monkeypatch, crashes):
    run = post("clerk")
    claim_next(["agents"], worker_id=uuid4(), worker_name="w")
    Run.objects.update(lease_expires_at=Now() - timedelta(seconds=1), crashes=crashes)

    def beats(name):
        Run.objects.update(lease_expires_at=clock.in_seconds(60))

    monkeypatch.setattr(module, "fault_point", beats)

    assert module.rescue_runs() == 0
    run.refresh_from_db()
    assert (run.status, run.fence, run.crashes) == ("running", 1, crashes)
    assert not run.events.filter(kind__in=["run.rescued", "run.failed"]).exists()
