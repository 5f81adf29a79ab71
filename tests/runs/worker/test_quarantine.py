"""A run that kills its workers, with real processes: it dies alone, and the runs beside it complete."""

import sys
from pathlib import Path

import pytest

from deadletters.models import DeadLetter
from runs.models import Run, RunEvent
from runs.worker.supervisor import Child, Supervisor
from tests.databases import environment
from tests.runs.worker.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.fault(12)
def test_a_poisonous_run_dies_alone_and_its_neighbours_complete(post):
    poison = post("poison", input={})
    neighbours = [post("squares", input={"upto": 2}) for _ in range(5)]
    command = [sys.executable, str(ROOT / "manage.py"), "rqworker", "agents", "batch"]

    with Supervisor() as supervisor:
        supervisor.add(Child("worker", command, env=environment()))
        wait_until(supervisor, lambda: _status(poison) == "failed")
        wait_until(supervisor, lambda: all(_status(run) == "completed" for run in neighbours))

    assert DeadLetter.objects.get(run_id=poison.pk).error_class == "CrashLoopError"
    claims = RunEvent.objects.filter(run=poison, kind="run.claimed").order_by("seq")
    assert claims.count() == 3
    last = claims.last()
    assert not RunEvent.objects.filter(kind="run.claimed", actor=last.actor).exclude(run=poison).exists()


def wait_until(supervisor, condition):
    wait_for(lambda: supervisor.check() is not None and condition(), timeout_s=120)


def _status(run):
    return Run.objects.values_list("status", flat=True).get(pk=run.pk)
