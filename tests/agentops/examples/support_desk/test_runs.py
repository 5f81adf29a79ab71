"""The example runs through the real engine: each reaches the fate it was written for."""

from pathlib import Path
from typing import Any

import pytest

from agentops.examples.support_desk import agents
from agentops.examples.support_desk.models import Account, Refund, Ticket
from agentops.offline import OfflineModel
from runs.models import PendingAction, Run
from runs.operations.actions.approve import approve
from runs.operations.actions.reject import reject

SCRIPTS = Path(agents.__file__).with_name("scripts")


@pytest.fixture
def play(offline, desk, post, work, settings) -> Any:
    """Post a run of the desk and work until nobody can go on."""
    offline()  # closes the engine's client afterwards
    with OfflineModel([SCRIPTS]) as model:
        settings.ANTHROPIC_BASE_URL = model.base_url

        def run(job_type: str, **input_: Any) -> Run:
            posted = post(job_type, input=input_)
            work()
            posted.refresh_from_db()
            return posted

        yield run


def test_a_summary_completes(play):
    run = play("account_summary", account=184)

    assert (run.status, "Northwind Traders" in run.output) == ("completed", True)


def test_the_summary_of_666_becomes_a_dead_letter(play):
    assert play("account_summary", account=666).status == "failed"


def test_renewal_notes_complete(play):
    assert play("renewal_notes", account=402).status == "completed"
    assert Account.objects.get(number=402).renewal_stage == "contacted"


def test_research_is_held_back_by_the_rate_limit(play):
    assert play("account_research", account=184).status == "retrying"


def test_an_approved_refund_is_paid_once(play, work, user):
    run = play("refund", invoice=1007, reason="it was charged twice")
    assert (run.status, Refund.objects.count()) == ("waiting_for_confirmation", 0)

    approve(PendingAction.objects.get(run=run), user=user)
    work()

    run.refresh_from_db()
    assert (run.status, Refund.objects.count()) == ("completed", 1)
    assert "480.00 USD of invoice 1007 were refunded" in run.output


def test_a_rejected_refund_completes_without_paying(play, work, user):
    run = play("refund", invoice=1012, reason="we cancelled in August")

    reject(PendingAction.objects.get(run=run), user=user, note="Not this time.")
    work()

    run.refresh_from_db()
    assert (run.status, Refund.objects.count()) == ("completed", 0)
    assert "Not this time." in run.output


def test_a_test_run_shows_its_progress(play):
    run = play("run_tests", project="checkout")

    assert (run.status, "7 passed, 1 failed" in run.output) == ("completed", True)


def test_a_chat_waits_for_the_customer(play):
    run = play("support_chat", text="My export stops.")

    assert (run.status, PendingAction.objects.get(run=run).kind) == ("waiting_for_confirmation", "question")


def test_an_import_completes(play):
    run = play("import_tickets", rows=[{"account": 184, "subject": "A"}, {"account": 999, "subject": "B"}])

    assert (run.status, run.output["imported"], len(run.output["refused"])) == ("completed", 1, 1)
    assert Ticket.objects.filter(subject="A").count() == 1
