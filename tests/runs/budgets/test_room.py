"""Runs that wait for room in a budget: raised once all go on, and so they do when there is room by itself."""

from datetime import timedelta
from decimal import Decimal

import pytest

from runs import clock
from runs.engine.outcomes import Completed, Waiting
from runs.errors import ConflictError, InvalidInputError, InvalidTransitionError, NotPermittedError
from runs.invariants.every import every_check
from runs.maintenance.notify import notify_budgets, notify_deciders
from runs.maintenance.reconcile import reconcile
from runs.maintenance.reopen_budgets import reopen_budgets
from runs.models import Budget, BudgetPeriod, Mail, PendingAction, Run, RunEvent
from runs.operations.accounts import make_member
from runs.operations.actions.approve import approve
from runs.operations.actions.raise_budget import raise_budget
from runs.operations.actions.reject import reject
from runs.operations.why import why
from tests.runs.budgets.money import COST, budget, next_day, period_of, sums_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("answering")]


@pytest.fixture
def boss(tenant):
    return make_member(tenant, "boss")


@pytest.fixture
def full(ask, work, tenant):
    """A budget in which no call fits, and three runs that wait for it."""
    one = budget("0.5", tenant=tenant)
    for _ in range(3):
        ask()
    assert work() == [Waiting()] * 3
    return one


def open_actions():
    return list(PendingAction.objects.filter(status="open").order_by("requested_at"))


def statuses():
    return sorted(Run.objects.values_list("status", flat=True))


def test_a_waiting_run_says_for_which_budget_and_until_when(full):
    (reason,) = why(Run.objects.first())

    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert (reason.code, reason.message) == ("budget", "the budget has no room: acme, a day")
    assert reason.until == midnight and open_actions()[0].expires_at is None


def test_raising_once_lets_every_run_go_on_that_has_room_then(full, work, boss):
    first, second, _ = open_actions()

    approve(first, user=boss, arguments={"raise_usd": "0.5"}, note="go")

    assert work() == [Completed("Done.")] and period_of(full).raised_usd == Decimal("0.5")
    assert reopen_budgets() == 0, "a quarter is spent, so nothing fits again"
    raise_budget(second, user=boss, arguments={"raise_usd": "0.5"})
    work()
    assert reopen_budgets() == 1 and work() == [Completed("Done.")]
    assert statuses() == ["completed"] * 3 and sums_of(full) == (3 * COST, 0)
    story = RunEvent.objects.filter(kind="action.cancelled").get()
    assert story.data["because"] == "the budget has room again"
    assert [str(breach) for check in every_check() for breach in check()] == []


def test_no_more_go_on_than_fit(full, work, boss):
    Budget.objects.filter(pk=full.pk).update(limit_usd=Decimal("2.5"))

    assert reopen_budgets() == 2 and len(open_actions()) == 1
    assert work() == [Completed("Done.")] * 2
    assert reopen_budgets() == 1


def test_those_who_are_too_dear_do_not_hide_the_cheaper_behind_them(full, monkeypatch):
    monkeypatch.setattr("runs.maintenance.reopen_budgets._AT_ONCE", 2)
    for action in open_actions()[:2]:
        action.arguments = {**action.arguments, "needs_usd": "9"}
        action.save()
    Budget.objects.filter(pk=full.pk).update(limit_usd=Decimal(2))

    assert reopen_budgets() == 1


def test_a_sweep_lets_only_so_many_go_on(full, monkeypatch):
    monkeypatch.setattr("runs.maintenance.reopen_budgets._AT_ONCE", 2)
    Budget.objects.filter(pk=full.pk).update(limit_usd=Decimal(9))

    assert (reopen_budgets(), reopen_budgets()) == (2, 1)


def test_a_raise_that_nobody_needs_any_more_is_refused_so_that_one_does_not_become_many(full, work, boss):
    first, second, third = open_actions()
    raise_budget(first, user=boss, note="enough for all")  # as proposed: half a dollar
    assert period_of(full).raised_usd == Decimal("0.5")

    with pytest.raises(InvalidTransitionError, match="goes on by itself"):
        raise_budget(second, user=boss)

    raise_budget(first, user=boss)  # again the same: harmless
    with pytest.raises(ConflictError):
        raise_budget(first, user=boss, arguments={"raise_usd": "0.4"})
    assert period_of(full).raised_usd == Decimal("0.5") and third in open_actions()


def test_a_new_day_lets_all_go_on_and_a_raise_of_yesterday_is_none_of_today(full, work, boss):
    raise_budget(open_actions()[0], user=boss)
    next_day()
    with pytest.raises(InvalidTransitionError, match="its period is over"):
        raise_budget(open_actions()[0], user=boss)

    reopen_budgets()
    work()

    today = BudgetPeriod.objects.filter(budget=full).latest("starts_on")
    assert today.raised_usd == 0 and {action.budget_period for action in open_actions()} == {today}


def test_a_budget_that_is_switched_off_lets_all_go_on(full, work):
    Budget.objects.update(is_active=False)

    assert reopen_budgets() == 3
    assert work() == [Completed("Done.")] * 3 and statuses() == ["completed"] * 3


def test_a_refused_raise_fails_that_run_alone(full, work, boss):
    reject(open_actions()[0], user=boss, note="Not worth it.")
    work()

    assert statuses() == ["failed", "waiting_for_confirmation", "waiting_for_confirmation"]
    failed = Run.objects.get(status="failed")
    assert failed.last_error["type"] == "BudgetRefusedError" and "acme, a day" in failed.last_error["message"]


@pytest.mark.parametrize("said", [{"raise_usd": "0"}, {"raise_usd": "0.51"}, {"raise_usd": "x"}, {"budget": "other"}])
def test_by_how_much_is_a_plain_amount_and_at_most_the_limit_at_once(full, boss, said):
    with pytest.raises(InvalidInputError, match="arguments"):
        approve(open_actions()[0], user=boss, arguments=said)

    assert period_of(full).raised_usd == 0


def test_the_budget_of_all_tenants_is_raised_by_superusers_only_and_tells_nobody_its_sums(ask, work, boss):
    everybodys = budget("0.5")
    ask()
    work()
    (action,) = open_actions()

    with pytest.raises(NotPermittedError, match="only a superuser"):
        approve(action, user=boss)
    assert action.reason.endswith("the budget of all tenants has no room for it.")

    boss.is_superuser = True
    approve(action, user=boss)
    assert period_of(everybodys).raised_usd == Decimal("0.5") and work() == [Completed("Done.")]


def test_a_total_has_no_end_so_its_action_expires_as_others_do(ask, work):
    budget("0.5", period="total")
    run = ask()
    work()
    (action,) = open_actions()
    assert action.expires_at and why(Run.objects.get(pk=run.pk))[0].until == action.expires_at

    clock.advance(8 * 24 * 3600)
    reconcile()
    work()

    run.refresh_from_db()
    assert run.last_error["type"] == "BudgetRefusedError"


def test_people_are_not_called_at_once_where_calls_in_flight_may_give_room_back(ask, work, tenant, boss):
    boss.email = "boss@example.com"
    boss.save()
    one = budget("1.5", tenant=tenant)
    BudgetPeriod.objects.filter(budget=one).update(reserved_usd=1)
    ask()
    work()

    assert notify_deciders() == 0
    clock.advance(61)
    assert notify_deciders() == 1


def test_the_soft_threshold_is_told_once_a_period(ask, work, tenant, boss):
    boss.email = "boss@example.com"
    boss.save()
    one = budget("5", tenant=tenant, soft_percent=5)
    for _ in range(2):
        ask()
        work()
    assert RunEvent.objects.filter(kind="budget.soft").count() == 1

    assert notify_budgets() == 1 and notify_budgets() == 0

    mail = Mail.objects.get()
    assert mail.to == ["boss@example.com"] and mail.subject == "[agentops] 5 % of a budget is spent: acme, a day"
    assert "0.50 of 5.00 USD are spent" in mail.body and f"/admin/runs/budget/{one.pk}/" in mail.body
    next_day()
    ask()
    work()
    assert notify_budgets() == 1


@pytest.mark.parametrize(
    ("body", "status", "raised"),
    [
        ({"raise_usd": "0.25"}, 200, Decimal("0.25")),
        ({"raise_usd": "7"}, 422, 0),
        ({"max_cost_usd": "7"}, 422, 0),
        ({"raise_usd": "0.25", "max_cost_usd": "7"}, 422, 0),
        ({}, 422, 0),
    ],
)
def test_over_http_a_budget_is_raised_by_an_amount(full, client, token, body, status, raised):
    address = f"/api/v1/actions/{open_actions()[0].pk}/raise/"

    said = client.post(address, body, content_type="application/json", headers={"authorization": f"Bearer {token}"})

    assert (said.status_code, period_of(full).raised_usd) == (status, raised), said.json()
    assert status == 200 or any(word in str(said.json()) for word in ("raise_usd", "max_cost_usd"))
