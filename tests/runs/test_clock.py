"""Which clock decides: the database's, or the process's own monotonic one; a wrong wall clock does no harm."""

import ast
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from runs import clock
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import Run
from runs.queue.claim import claim_next
from runs.worker.leases import Leases

ROOT = Path(__file__).resolve().parents[2] / "runs"
WALL_CLOCKS = {"time.time", "datetime.now", "datetime.utcnow", "date.today", "timezone.now"}
# Pages show ages; a provider's date is turned into a pause, which is bounded; a fault is only noted;
# a system check warns.
MAY_ASK = {"admin", "checks.py", "engine/retry.py", "fault_points.py", "clock.py"}


def left_s(run):
    return (Run.objects.get(pk=run.pk).lease_expires_at - clock.now()).total_seconds()


@pytest.mark.fault(16)
@pytest.mark.django_db
@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_worker_whose_clock_is_ten_minutes_wrong_holds_its_lease_and_no_longer(post, monkeypatch, minutes):
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(minutes=minutes))
    post("clerk")
    worker_id = uuid4()

    run, lease = claim_next(["agents"], worker_id=worker_id, worker_name="w")
    claimed_s = left_s(run)
    leases = Leases(worker_id)
    leases.add(lease)
    leases.renew()

    assert 7 < claimed_s <= 8.01 and 7 < left_s(run) <= 8.01
    assert not lease.lost.is_set() and rescue_runs() == 0


@pytest.mark.fault(16)
def test_nothing_that_decides_asks_the_wall_clock():
    asked = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in WALL_CLOCKS
    }

    assert {name for name in asked if not MAY_ASK & {name, name.split("/")[0]}} == set()
