"""The database goes away in the middle of a claim: what was begun before is not forgotten, what never left is."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from runs.engine import advance as engine
from runs.engine import perform, sleep
from runs.engine.journal import Journal
from runs.invariants.every import breaches
from runs.maintenance.rescue_runs import rescue_runs
from runs.maintenance.wake_timers import wake_timers
from runs.models import ModelCall, Run, Step
from runs.operations.actions.approve import approve
from tests.testapp.agents import CALLS

pytestmark = pytest.mark.django_db

SEND = {"content": [{"type": "tool_use", "name": "send", "input": {"to": "bob"}}]}
DONE = {"content": [{"type": "text", "text": "Done."}]}


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def go_on(work):
    def go_on():
        Run.objects.filter(status="retrying").update(next_attempt_at=Now() - timedelta(seconds=1))
        wake_timers()
        work()

    return go_on


def once(monkeypatch, owner, name, *, when):
    """Let a function fail as if the database were away, the first time that the condition holds."""
    real, done = getattr(owner, name), []

    def failing(*args, **kwargs):
        if not done and when(*args):
            done.append(True)
            raise OperationalError("server closed the connection unexpectedly")
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, failing)


def test_an_error_before_recovery_does_not_make_an_unsafe_call_again(offline, post, work, go_on, monkeypatch):
    offline({"turns": [SEND, DONE]})
    run = post("clerk")

    def die_once(point):
        if point == "tool.after" and CALLS["send"] == 1:
            raise Crash

    monkeypatch.setattr(perform, "fault_point", die_once)
    with pytest.raises(Crash):
        work()
    Run.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    rescue_runs()
    once(monkeypatch, engine, "check_owner", when=lambda _: True)

    work()
    go_on()

    run.refresh_from_db()
    assert CALLS["send"] == 1 and run.actions.get(status="open").kind == "outcome"
    assert list(breaches()) == []


@pytest.mark.fault(20)
def test_an_error_before_recovery_leaves_a_lost_model_call_to_be_charged(offline, post, work, go_on, monkeypatch):
    from runs.engine import model_call

    offline({"turns": [DONE]})
    run = post("clerk")
    real = model_call.ask

    def die(*_, **__):
        monkeypatch.setattr(model_call, "ask", real)
        raise Crash

    monkeypatch.setattr(model_call, "ask", die)
    with pytest.raises(Crash):
        work()
    Run.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    rescue_runs()
    once(monkeypatch, engine, "check_owner", when=lambda _: True)

    work()
    go_on()

    run.refresh_from_db()
    assert run.status == "completed"
    assert sorted(ModelCall.objects.filter(run=run).values_list("status", flat=True)) == ["presumed", "settled"]
    assert list(breaches()) == []


def test_a_call_whose_intent_was_not_committed_was_not_tried(offline, post, work, go_on, monkeypatch):
    offline({"turns": [SEND, DONE]})
    run = post("clerk")
    begun = lambda journal: any(s.name == "send" and s.status == "started" for s in journal.steps)  # noqa: E731
    once(monkeypatch, Journal, "_write_rows", when=begun)

    work()
    go_on()

    run.refresh_from_db()
    assert run.status == "completed" and CALLS["send"] == 1
    assert Step.objects.get(run=run, name="send").attempt == 1
    assert list(breaches()) == []


def test_a_model_call_whose_intent_was_not_committed_cost_nothing(offline, post, work, go_on, monkeypatch):
    offline({"turns": [DONE]})
    run = post("clerk")
    once(monkeypatch, Journal, "_write_rows", when=lambda journal: True)

    work()
    go_on()

    run.refresh_from_db()
    assert run.status == "completed"
    assert sorted(ModelCall.objects.filter(run=run).values_list("status", flat=True)) == ["settled"]
    assert list(breaches()) == []


def test_a_refused_answer_is_paid_for_once(offline, post, work):
    refusal = {"content": [{"type": "text", "text": "No."}], "stop_reason": "refusal"}
    offline({"turns": [refusal]})
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.status == "failed" and ModelCall.objects.get(run=run).status == "settled"
    assert list(breaches()) == []


REFUND = {"type": "tool_use", "name": "refund", "input": {"order_id": "7", "amount_usd": 3.5}}


@pytest.mark.django_db(transaction=True)  # else there is one try: the transaction is the test's
def test_a_finished_call_is_not_forgotten_when_going_to_sleep_has_to_be_written_again(
    offline, post, work, user, monkeypatch
):
    offline({"turns": [{"content": [REFUND, *SEND["content"]]}, DONE]})
    once(monkeypatch, sleep, "is_to_be_cancelled", when=lambda run: run.status != "running")
    run = post("clerk")

    work()

    run.refresh_from_db()
    assert run.status == "waiting_for_confirmation" and run.steps.get(name="send").status == "completed"
    assert run.events.filter(kind="run.waiting_for_confirmation").count() == 1
    approve(run.actions.get(), user=user)
    work()
    run.refresh_from_db()
    assert (run.status, CALLS["send"], list(breaches())) == ("completed", 1, [])


@pytest.mark.django_db(transaction=True)
def test_a_try_that_is_to_be_made_later_is_counted_once_however_often_that_is_written(offline, post, work, monkeypatch):
    offline({"turns": [SEND, DONE | {"faults": [{"kind": "server_error"}]}]})
    once(monkeypatch, sleep, "is_to_be_cancelled", when=lambda run: run.status == "retrying")
    run = post("clerk")

    work()

    run.refresh_from_db()
    told = run.events.filter(kind="run.retrying").count()
    assert (run.status, run.attempts, told, CALLS["send"]) == ("retrying", 1, 1, 1)
    assert list(breaches()) == []
