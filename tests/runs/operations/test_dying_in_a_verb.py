"""A process that is killed in the middle of a verb, for real: what it had begun to write is all there or not."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from runs.maintenance.expire_actions import expire_actions
from runs.maintenance.wake_timers import wake_timers
from runs.models import PendingAction, Run, RunEvent
from runs.operations.actions.approve import approve
from tests.databases import environment
from tests.testapp.agents import CALLS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[3]
REFUND = {"content": [{"type": "tool_use", "name": "refund", "input": {"order_id": "1", "amount_usd": 2.0}}]}
DONE = {"content": [{"type": "text", "text": "Done."}]}

POST = """
from runs.models import Tenant
from runs.operations.accounts import make_member
from runs.operations.post_run import RunRequest, post_run
tenant = Tenant.objects.get()
post_run(RunRequest("squares", {"upto": 1}), tenant=tenant, user=make_member(tenant, None), origin="test")
"""
APPROVE = """
from django.contrib.auth import get_user_model
from runs.models import PendingAction
from runs.operations.actions.approve import approve
approve(PendingAction.objects.get(), user=get_user_model().objects.get(username="service@acme"))
"""
WAKE = "from runs.maintenance.wake_timers import wake_timers; wake_timers()"
EXPIRE = "from runs.maintenance.expire_actions import expire_actions; expire_actions()"


def die(code, *, at):
    """Run this in a process that is killed at a fault point."""
    env = environment(AGENTOPS_FAULTS=f"{at}:KILL:1.0")
    done = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()\n" + code], cwd=ROOT, env=env, timeout=60
    )
    assert done.returncode == -signal.SIGKILL


@pytest.fixture
def waiting(offline, post, work):
    """A run that waits for the approval of a refund."""
    CALLS.clear()
    offline({"turns": [REFUND, DONE]})
    run = post("clerk")
    work()
    return run


def told(run):
    return list(RunEvent.objects.filter(run=run).order_by("seq").values_list("kind", flat=True))


@pytest.mark.fault(1)
def test_a_run_whose_bell_was_never_rung_is_claimed_all_the_same(tenant, user, work):
    die(POST, at="ring.before")

    run = Run.objects.get()
    assert (run.status, told(run)) == ("queued", ["run.queued"])
    work()
    run.refresh_from_db()
    assert run.status == "completed"


@pytest.mark.fault(37)
def test_a_decision_that_dies_half_way_was_not_taken_and_may_be_taken_again(waiting, user, work):
    before = told(waiting)

    die(APPROVE, at="decide.before")

    action = PendingAction.objects.get()
    waiting.refresh_from_db()
    assert (action.status, waiting.status, told(waiting)) == ("open", "waiting_for_confirmation", before)
    approve(action, user=user)
    work()
    waiting.refresh_from_db()
    assert waiting.status == "completed" and CALLS["refund"] == 1


@pytest.mark.fault(18)
def test_a_reconciler_that_dies_leaves_its_work_to_the_next(waiting, post, work):
    PendingAction.objects.update(expires_at=Now() - timedelta(seconds=1))
    timer = post("squares", input={"upto": 1}, scheduled_at=waiting.created_at + timedelta(hours=1))
    Run.objects.filter(pk=timer.pk).update(next_attempt_at=Now())

    die(WAKE, at="wake.before")
    die(EXPIRE, at="expire.before")

    timer.refresh_from_db()
    assert timer.status == "scheduled" and PendingAction.objects.get().status == "open"
    assert (wake_timers(), expire_actions()) == (1, 1)
    work()
    assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
