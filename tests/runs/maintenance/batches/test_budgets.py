"""Calls in batches and budgets: reserved when laid in, settled by their result, put right when it comes late."""

import time
from decimal import Decimal

import pytest

from runs.maintenance.reopen_budgets import reopen_budgets
from runs.models import BatchedCall, Budget, BudgetPeriod, ModelCall
from runs.operations.budgets import make_budget
from runs.operations.cancel_run import cancel_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def budget(tenant):
    def make(limit_usd):
        return make_budget(Budget(tenant=tenant, period="day", limit_usd=Decimal(limit_usd)))

    return make


def sums():
    period = BudgetPeriod.objects.get()
    return period.spent_usd, period.reserved_usd


def test_a_call_holds_its_reserve_of_a_budget_until_its_result_is_recorded(budget, offline, say, post, work, tend):
    budget(5)
    offline(say("Hi"))
    run = post("clerk", lane="batch")

    work()
    call = ModelCall.objects.get()
    assert sums() == (0, call.reserved_usd)
    tend(), work()

    run.refresh_from_db()
    assert sums() == (run.cost_usd, 0) and run.cost_usd > 0


def test_a_budget_without_room_lays_nothing_in_and_asks(budget, offline, say, post, work):
    budget("0.00001")
    offline(say("Hi"))
    run = post("clerk", lane="batch")

    work()

    run.refresh_from_db()
    assert run.status == "waiting_for_confirmation" and sums() == (0, 0)
    assert not BatchedCall.objects.exists() and not ModelCall.objects.exists()


def test_a_withdrawn_call_gives_its_reserve_back(budget, offline, say, post, work, user):
    budget(5)
    offline(say("Hi"))
    run = post("clerk", lane="batch")
    work()

    cancel_run(run, user=user)

    assert sums() == (0, 0)


def test_what_was_presumed_is_put_right_in_the_budget_too(budget, offline, say, post, work, tend, user):
    budget(5)
    offline(say("Hi"), batch_s=0.5)
    run = post("clerk", lane="batch")
    work(), tend(1)
    cancel_run(run, user=user)
    assert sums() == (ModelCall.objects.get().reserved_usd, 0)

    time.sleep(0.6)
    tend()

    run.refresh_from_db()
    assert sums() == (run.cost_usd, 0) and 0 < run.cost_usd < ModelCall.objects.get().reserved_usd


@pytest.mark.parametrize("kind", ["overloaded", "batch_expired"])
def test_a_call_that_its_batch_did_not_answer_gives_its_reserve_back(budget, offline, say, post, work, tend, kind):
    budget(5)
    offline(say("Hi", faults=[{"kind": kind}]))
    post("clerk", lane="batch")

    work(), tend(), work()

    assert ModelCall.objects.get().status == "released" and sums() == (0, 0)


def test_a_run_without_room_counts_its_time_once_and_goes_on_when_there_is_some(
    budget, offline, say, post, work, tend, monkeypatch
):
    budget("0.00001")
    offline(say("Hi"))
    run = post("clerk", lane="batch")
    with monkeypatch.context() as patch:
        patch.setattr("runs.engine.lease.Lease.held_s", 7.0)
        work()
    run.refresh_from_db()
    assert run.running_s == 7.0 and not run.events.filter(kind="run.waiting_for_batch").exists()

    Budget.objects.update(limit_usd=Decimal(5))
    reopen_budgets(), work(), tend(), work()

    run.refresh_from_db()
    assert run.status == "completed" and sums() == (run.cost_usd, 0)
