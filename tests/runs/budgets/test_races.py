"""Many at the same moment: siblings can never exceed a budget together, and locks never lock each other out."""

from uuid import uuid4

import pytest

from runs.engine.advance import advance
from runs.engine.outcomes import Completed, Waiting
from runs.engine.provider import answered_by
from runs.invariants.every import breaches
from runs.models import BudgetHold, BudgetPeriod, PendingAction, Run
from runs.operations.accounts import make_member
from runs.operations.actions.raise_budget import raise_budget
from runs.queue.claim import claim_next
from tests.at_once import at_once
from tests.runs.budgets.money import COST, HELD, answer, budget, price_calls, sums_of

pytestmark = pytest.mark.django_db(transaction=True)

RUNS, FITTING = 20, 3


@pytest.fixture
def priced(db):
    price_calls()


def claimed(count):
    found = []
    for _ in range(count):
        claim = claim_next(["agents"], worker_id=uuid4(), worker_name="w")
        assert claim
        found.append(claim)
    return found


@pytest.mark.fault(25)
@pytest.mark.parametrize("has_row", [True, False], ids=["a period in use", "a period that nobody has used yet"])
def test_of_twenty_siblings_at_once_only_those_are_sent_that_fit_together(ask, has_row):
    one, wide = budget(FITTING, period="day"), budget(RUNS, period="month")
    if not has_row:
        BudgetPeriod.objects.all().delete()
    for _ in range(RUNS):
        ask()
    claims = claimed(RUNS)
    most = []

    def slow(request, **_):
        spent, held = sums_of(one)
        most.append(spent + held)
        return answer(request)

    with answered_by(slow):
        outcomes = at_once(RUNS, lambda number: advance(*claims[number]))

    done = sum(isinstance(outcome, Completed) for outcome in outcomes)
    assert done >= FITTING and done + outcomes.count(Waiting()) == RUNS
    assert max(most) <= FITTING and sums_of(one) == sums_of(wide) == (done * COST, 0)
    assert not BudgetHold.objects.filter(is_open=True).exists() and BudgetHold.objects.count() == 2 * done
    assert PendingAction.objects.filter(status="open").count() == RUNS - done
    assert list(breaches(look_again_after_s=0)) == []


@pytest.mark.fault(25)
def test_three_at_once_that_all_wait_for_their_answers_leave_no_room_for_a_fourth(ask):
    one = budget(FITTING)
    for _ in range(RUNS):
        ask()
    claims = claimed(RUNS)
    waited = []

    def hold(request, **_):
        while Run.objects.filter(status="running").count() > FITTING:
            pass
        waited.append(sums_of(one))
        return answer(request)

    with answered_by(hold):
        outcomes = at_once(RUNS, lambda number: advance(*claims[number]))

    assert sum(isinstance(outcome, Completed) for outcome in outcomes) == len(waited) == FITTING
    assert waited[0] == (0, FITTING * HELD) and sums_of(one) == (FITTING * COST, 0)


def test_people_who_raise_at_once_raise_once(ask, work, tenant):
    one = budget("0.5", tenant=tenant)
    for _ in range(10):
        ask()
    with answered_by(answer):
        work()
    boss = make_member(tenant, "boss")
    actions = list(PendingAction.objects.filter(status="open"))

    results = at_once(10, lambda number: raise_budget(actions[number], user=boss))

    refused = [str(result) for result in results if isinstance(result, Exception)]
    assert len(refused) == 9 and all("goes on by itself" in said for said in refused), refused
    assert one.periods.get().raised_usd == HELD / 2
