"""A run that fails while a step is in flight: what may have happened is neither forgotten nor repeated."""

import json
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from deadletters.models import DeadLetter
from runs.engine import perform
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import ModelCall, Run, Step
from runs.operations.replay_run import retry_run
from runs.queue.claim import claim_next, claim_quarantined
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

SEND = {"content": [{"type": "tool_use", "name": "send", "input": {"to": "bob"}}]}
DONE = {"content": [{"type": "text", "text": "Done."}]}


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def dying(monkeypatch):
    """Let the next effect happen, and the worker die before it can say so."""

    def die_once(point):
        if point == "tool.after" and sum(CALLS.values()) == 1:
            raise Crash

    monkeypatch.setattr(perform, "fault_point", die_once)


@pytest.fixture
def bury(work):
    """Work until the worker dies; the next holders die before they do anything, until the run is buried."""

    def bury(run):
        with pytest.raises(Crash):
            work()
        for _ in range(9):
            Run.objects.filter(status="running").update(lease_expires_at=Now() - timedelta(seconds=1))
            rescue_runs()
            run.refresh_from_db()
            if run.status == "failed":
                return
            claim = claim_quarantined if run.hold_reason == "quarantine" else claim_next
            claim([run.queue], worker_id=run.pk, worker_name="dying")
        raise AssertionError("the run was not buried")

    return bury


def test_an_unsafe_call_in_flight_is_unknown_and_its_dead_letter_says_so(offline, post, dying, bury):
    offline({"turns": [SEND, DONE]})
    run = post("clerk")

    bury(run)

    assert run.steps.get(name="send").status == "unknown"
    unknown = json.loads(DeadLetter.objects.get(run_id=run.pk).effects)["unknown"]
    assert [effect["tool"] for effect in unknown] == ["send"]
    assert list(breaches()) == []


def test_a_retry_asks_about_it_and_does_not_repeat_it(offline, post, work, user, dying, bury):
    offline({"turns": [SEND, DONE]})
    run = post("clerk")
    bury(run)

    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    assert run.status == "waiting_for_confirmation" and run.actions.get(status="open").kind == "outcome"
    assert CALLS["send"] == 1
    assert list(breaches()) == []


def test_a_retry_does_not_repeat_an_unsafe_step_of_a_job(post, work, user, dying, bury):
    run = post("squares", input={"upto": 1, "effect": "unsafe"})
    bury(run)

    retry_run(run, user=user)
    work()

    run.refresh_from_db()
    assert run.actions.get(status="open").kind == "outcome"
    assert Step.objects.get(run=run).attempt == 1
    assert list(breaches()) == []


def test_a_model_call_in_flight_counts_as_spent(offline, post, bury, monkeypatch):
    from runs.engine import model_call

    def die(*_, **__):
        raise Crash

    monkeypatch.setattr(model_call, "ask", die)
    offline({"turns": [DONE]})
    run = post("clerk")

    bury(run)

    assert ModelCall.objects.get(run=run).status == "presumed"
    assert run.cost_usd > 0
    assert list(breaches()) == []
