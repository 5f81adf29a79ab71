"""A call's worst case is held of every budget that covers it before it is sent, and settled with its end."""

from datetime import timedelta
from decimal import Decimal

import anthropic
import httpx2
import pytest

from runs import clock
from runs.engine.budget_holds import settle_holds
from runs.engine.outcomes import Completed, Retry, Waiting
from runs.engine.provider import answered_by
from runs.errors import BrokenStreamError
from runs.invariants.every import every_check
from runs.maintenance.rescue_runs import rescue_runs
from runs.models import Budget, BudgetHold, BudgetPeriod, ModelCall, PendingAction, Run, RunEvent
from runs.operations.accounts import make_tenant
from runs.operations.cancel_run import cancel_run
from runs.operations.replay_run import retry_run
from tests.runs.budgets.money import COST, HELD, answer, budget, period_of, sums_of

pytestmark = pytest.mark.django_db

UNREACHABLE = anthropic.APIConnectionError(request=httpx2.Request("POST", "http://nowhere"))
UNREACHABLE.__cause__ = httpx2.ConnectError("refused")


def breaches():
    return [str(breach) for check in every_check() for breach in check()]


def test_what_is_held_in_flight_becomes_the_cost_in_every_budget_that_covers_the_run(ask, work, tenant):
    covering = [budget("5", tenant=tenant), budget("9"), budget("5", period="month", job_type="clerk")]
    others = [budget("5", tenant=make_tenant("other")), budget("5", job_type="talker")]
    in_flight = []

    def look(request, **_):
        in_flight.append([sums_of(one) for one in covering])
        return answer(request)

    ask()
    with answered_by(look):
        outcomes = work()

    assert outcomes == [Completed("Done.")]
    assert in_flight == [[(0, HELD)] * 3]
    assert [sums_of(one) for one in covering] == [(COST, 0)] * 3
    assert [sums_of(one) for one in others] == [(0, 0)] * 2
    assert breaches() == []


def test_a_call_that_is_settled_twice_counts_once(ask, work, answering):
    one = budget("5")
    ask()
    work()
    assert sums_of(one) == (COST, 0)

    assert settle_holds(list(ModelCall.objects.all())) == []

    assert sums_of(one) == (COST, 0)


def test_a_call_that_does_not_fit_is_not_sent_and_asks_a_person(ask, work, answering, tenant):
    small = budget("0.5", tenant=tenant)
    large = budget("5")
    run = ask()

    assert work() == [Waiting()]

    run.refresh_from_db()
    action = PendingAction.objects.get(run=run)
    assert (run.status, action.kind, action.budget_period) == ("waiting_for_confirmation", "budget", period_of(small))
    assert action.arguments == {
        "budget": "acme, a day",
        "period": period_of(small).starts_on.isoformat(),
        "needs_usd": "1.00000000",
        "raise_usd": "0.50",
    }
    assert "may cost up to 1 USD; of the budget acme, a day, 0 of 0.5 USD are spent" in action.reason
    assert not ModelCall.objects.exists() and sums_of(small) == sums_of(large) == (0, 0), "all or none"
    assert run.steps.get().status == "planned" and run.steps.get().attempt == 0
    assert breaches() == []


def test_what_is_no_longer_held_is_room_for_the_next_call(ask, work, answering):
    one = budget("1.5")
    for _ in range(3):
        ask()

    outcomes = work()

    assert outcomes == [Completed("Done.")] * 3 and sums_of(one) == (3 * COST, 0)


@pytest.mark.parametrize(("error", "cost"), [(UNREACHABLE, 0), (BrokenStreamError("cut"), HELD)])
def test_a_failed_try_gives_back_what_it_held_unless_it_may_have_cost_it(ask, work, error, cost):
    one = budget("5")

    def fail(request, **_):
        raise error

    ask()
    with answered_by(fail):
        (outcome,) = work()

    assert isinstance(outcome, Retry) and sums_of(one) == (cost, 0)
    assert breaches() == []


def test_that_the_last_call_reaches_the_soft_threshold_is_told_before_the_end(ask, work, answering):
    budget("5", soft_percent=5)
    run = ask()

    work()

    told = list(RunEvent.objects.filter(run=run).order_by("seq").values_list("kind", flat=True))
    assert "budget.soft" in told and told[-1] == "run.completed"
    assert breaches() == []


def die_in_flight(ask, die_at):
    run = ask()
    die_at("model.after")
    return run


def test_what_a_dead_worker_held_counts_as_spent_once_its_run_goes_on(ask, work, die_at, answering):
    one = budget("5")
    run = die_in_flight(ask, die_at)
    assert sums_of(one) == (0, HELD)

    Run.objects.filter(pk=run.pk).update(lease_expires_at=clock.now() - timedelta(seconds=1))
    rescue_runs()
    work()

    assert sums_of(one) == (HELD + COST, 0) and breaches() == []


def test_what_a_dead_worker_held_counts_as_spent_once_its_run_is_cancelled(ask, user, die_at, answering):
    one = budget("5", soft_percent=10)
    run = die_in_flight(ask, die_at)
    Run.objects.filter(pk=run.pk).update(lease_expires_at=clock.now() - timedelta(seconds=1))
    rescue_runs()

    cancel_run(Run.objects.get(pk=run.pk), user=user)

    assert sums_of(one) == (HELD, 0) and breaches() == []
    assert RunEvent.objects.filter(run=run, kind="budget.soft").count() == 1


def test_a_run_that_fails_holds_nothing(ask, work, die_at, answering, settings):
    settings.AGENTOPS = {**settings.AGENTOPS, "crashes_max": 1}
    one = budget("5")
    run = die_in_flight(ask, die_at)
    Run.objects.filter(pk=run.pk).update(lease_expires_at=clock.now() - timedelta(seconds=1))

    rescue_runs()

    run.refresh_from_db()
    assert run.status == "failed" and sums_of(one) == (HELD, 0) and breaches() == []


def test_a_call_counts_in_the_day_of_its_intent_though_it_ends_on_the_next(ask, work):
    now = clock.now()
    clock.advance(24 * 3600 - 2 - (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds())

    def overnight(request, **_):
        clock.advance(4)
        return answer(request)

    one = budget("5")
    ask()
    with answered_by(overnight):
        work()

    (first,) = BudgetPeriod.objects.all()
    assert (first.spent_usd, first.reserved_usd) == (COST, 0)
    ask()
    with answered_by(answer):
        work()
    assert BudgetPeriod.objects.filter(budget=one).count() == 2 and sums_of(one) == (COST, 0)


def test_a_budget_made_in_mid_period_knows_what_was_spent_before(ask, work, answering, tenant):
    ask()
    work()

    today, ever = budget("5", tenant=tenant), budget("5", period="total")
    other = budget("5", job_type="talker")

    assert sums_of(today) == (COST, 0) and sums_of(ever) == sums_of(other) == (0, 0)
    assert breaches() == []


def test_a_budget_that_is_off_holds_nothing(ask, work, answering):
    one = budget("0.1")
    Budget.objects.update(is_active=False)
    ask()

    assert work() == [Completed("Done.")]  # also where the process has not heard of it yet
    assert sums_of(one) == (0, 0) and not BudgetHold.objects.exists()


def test_a_limit_edited_a_moment_ago_holds_at_once(ask, work, answering):
    one = budget("5")
    ask()
    work()
    Budget.objects.filter(pk=one.pk).update(limit_usd=Decimal("1.2"))

    ask()

    assert work() == [Waiting()]


def test_a_failed_run_that_is_retried_reserves_anew(ask, work, user, answering):
    one = budget("5")

    def refuse(request, **_):
        raise PermissionError("no")

    run = ask()
    with answered_by(refuse):
        work()
    spent, held = sums_of(one)
    assert held == 0

    retry_run(Run.objects.get(pk=run.pk), user=user)
    work()

    assert sums_of(one) == (spent + COST, 0) and breaches() == []
