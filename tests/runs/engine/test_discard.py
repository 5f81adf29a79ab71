"""An error by which the work has become pointless ends the run quietly: cancelled, with its reason and no letter."""

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Max

from deadletters.models import DeadLetter
from runs.engine.cancel import cancellation_of
from runs.engine.outcomes import Discarded, Retry, Waiting
from runs.invariants.every import breaches
from runs.maintenance.send_mail import send_mail
from runs.maintenance.wake_timers import wake_timers
from runs.models import Mail, PendingAction, Run, RunEvent, RunLock
from runs.registry import TransientError
from tests.runs.engine.story import say, use
from tests.testapp.agents import CALLS, FAIL, MEANWHILE, Clerk, Scan, Squares

pytestmark = pytest.mark.django_db


class CustomerGoneError(ObjectDoesNotExist):
    """The customer was deleted meanwhile."""


@pytest.fixture(autouse=True)
def _rows(monkeypatch):
    for job_type in (Clerk, Scan, Squares):
        monkeypatch.setattr(job_type, "errors", {ObjectDoesNotExist: "discard"})


def gone():
    raise CustomerGoneError("customer 7 was deleted")


def is_discarded(run, outcomes):
    """Say that it ended quietly, with its reason."""
    run.refresh_from_db()
    assert [type(outcome) for outcome in outcomes] == [Discarded]
    assert run.status == "cancelled" and run.finished_at
    assert cancellation_of(run).reason == "CustomerGoneError: customer 7 was deleted"
    assert (cancellation_of(run).requested_by, run.last_error["type"]) == (run.job_type, "CustomerGoneError")
    newest = RunEvent.objects.get(run=run, seq=RunEvent.objects.filter(run=run).aggregate(Max("seq"))["seq__max"])
    assert (newest.kind, newest.data["because"]) == ("run.cancelled", "CustomerGoneError")
    assert not DeadLetter.objects.exists() and not PendingAction.objects.filter(status="open").exists()
    send_mail()
    assert not Mail.objects.exists()
    assert not list(breaches(look_again_after_s=0))


def test_a_job_whose_record_was_deleted(post, work, monkeypatch):
    monkeypatch.setattr(Squares, "run", lambda self, context, upto, effect="read": gone())
    run = post("squares", input={"upto": 3})

    is_discarded(run, work())


@pytest.mark.parametrize("effect", ["read", "idempotent", "unsafe"])
def test_a_step_of_a_job_and_the_lock_of_its_key_is_free_again(post, work, effect):
    MEANWHILE["7"] = gone
    run = post("scan", input={"document": "7", "effect": effect})

    is_discarded(run, work())
    assert [step.status for step in run.steps.all()] == ["skipped"]
    assert run.steps.get().error["type"] == "CustomerGoneError"
    assert not RunLock.objects.filter(holder__isnull=False).exists()


def test_a_job_that_catches_the_error_itself_goes_on(post, work, monkeypatch):
    def run(self, context, upto, effect="read"):
        try:
            context.step("look", gone, effect="read")
        except CustomerGoneError:
            return "nobody"

    monkeypatch.setattr(Squares, "run", run)
    run = post("squares", input={"upto": 3})

    work()

    run.refresh_from_db()
    assert (run.status, run.output) == ("completed", "nobody")


@pytest.mark.parametrize("tool", ["look_up", "put", "book", "send"])
def test_a_tool_of_an_agent_ends_the_run_and_the_other_calls_of_its_turn_are_not_made(offline, post, work, tool):
    arguments = {"look_up": {"key": "7"}, "put": {"value": 7}, "book": {"room": "7"}, "send": {"to": "bob"}}
    FAIL[tool] = [CustomerGoneError("customer 7 was deleted")]
    model = offline({"turns": [use((tool, arguments[tool]), ("send", {"to": "all"})), say("Done.")]})
    run = post("clerk")

    is_discarded(run, work())
    assert [step.status for step in run.steps.order_by("seq")] == ["completed", "failed", "skipped"]
    assert CALLS["send"] == (tool == "send") and len(model.requests) == 1, "the model is not asked what to do"


def test_a_tool_ends_a_run_although_another_call_waits_for_a_person(offline, post, work):
    FAIL["look_up"] = [CustomerGoneError("customer 7 was deleted")]
    both = use(("refund", {"order_id": "7", "amount_usd": 5.0}), ("look_up", {"key": "7"}))
    offline({"turns": [both, say("Done.")]})
    run = post("clerk")

    is_discarded(run, work())
    assert PendingAction.objects.get().status == "cancelled" and not CALLS["refund"]


def test_an_error_that_passes_first_and_means_the_end_later(post, work):
    def fail(error):
        def raise_it():
            raise error

        return raise_it

    run = post("scan", input={"document": "7", "effect": "read"})
    MEANWHILE["7"] = fail(TransientError("away"))
    assert [type(outcome) for outcome in work()] == [Retry]
    MEANWHILE["7"] = gone

    wake_timers()

    is_discarded(run, work())


def test_without_the_row_it_is_a_dead_letter_or_told_to_the_model(offline, post, work, monkeypatch):
    monkeypatch.setattr(Scan, "errors", {})
    MEANWHILE["7"] = gone
    run = post("scan", input={"document": "7", "effect": "read"})

    work()

    run.refresh_from_db()
    assert run.status == "failed" and DeadLetter.objects.count() == 1


def test_what_may_have_happened_before_still_asks_a_person(offline, post, work):
    """An outcome that is unknown already belongs to the story of the run: it stays visible, and the run has ended."""
    FAIL["send"] = [TransientError("no answer")]
    FAIL["look_up"] = [CustomerGoneError("customer 7 was deleted")]
    offline({"turns": [use(("send", {"to": "bob"}), ("look_up", {"key": "7"})), say("Done.")]})
    run = post("clerk")

    outcomes = work()

    assert not any(isinstance(outcome, Waiting) for outcome in outcomes)
    is_discarded(run, outcomes)
    assert [step.status for step in run.steps.order_by("seq")] == ["completed", "unknown", "failed"]


def test_a_discarded_run_is_shown_with_its_reason(offline, post, work, token, client):
    MEANWHILE["7"] = gone
    run = post("scan", input={"document": "7", "effect": "read"})
    work()

    document = client.get(f"/api/v1/runs/{run.pk}/", headers={"authorization": f"Bearer {token}"}).json()

    assert document["status"] == "cancelled"
    assert document["cancellation"]["reason"] == "CustomerGoneError: customer 7 was deleted"
    assert Run.objects.get(pk=run.pk).metadata == {}
