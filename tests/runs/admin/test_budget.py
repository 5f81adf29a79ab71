"""Budgets in the console: bars with their numbers, written by a tenant's admins, and raised where a run waits."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from runs import clock
from runs.models import Budget, BudgetPeriod, PendingAction, Role, start_of
from runs.operations.budgets import make_budget
from tests.runs.admin.conftest import OPERATOR, signed_in
from tests.runs.admin.rows import make_user, make_waiting

LIST, ADD = "/admin/runs/budget/", "/admin/runs/budget/add/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(tenant):
    return make_user("kim", tenant=tenant, role=Role.ADMIN, perms=OPERATOR)


def form(**columns):
    plain = {"job_type": "", "period": "day", "limit_usd": "5", "soft_percent": "80", "is_active": "on", "note": ""}
    return plain | columns


def page(budget):
    return reverse("admin:runs_budget_change", args=[budget.pk])


def half_spent(tenant, **columns):
    budget = make_budget(Budget(tenant=tenant, limit_usd=Decimal(4), **({"period": "day"} | columns)))
    budget.periods.update(spent_usd=2, reserved_usd=1, raised_usd=Decimal("0.5"))
    return budget


def waiting_for(tenant, budget, **columns):
    arguments = {"budget": str(budget), "period": "2030-01-01", "needs_usd": "2", "raise_usd": "1.5"}
    period = budget.periods.get()
    return make_waiting(tenant, "budget", arguments=arguments, budget_period=period, **columns)


def test_an_empty_list_says_what_holds_and_how_to_begin(root_client):
    assert "No budgets: only the ceiling of each run holds." in root_client.get(LIST).content.decode()


def test_an_admin_of_the_tenant_adds_one_and_is_noted(keeper, tenant):
    answer = signed_in(keeper).post(ADD, form(tenant=str(tenant.pk)), follow=True)

    budget = Budget.objects.get()
    assert answer.status_code == 200 and (budget.created_by, budget.tenant) == (keeper, tenant)
    assert BudgetPeriod.objects.get().starts_on == start_of("day", clock.now())


@pytest.mark.parametrize(
    ("columns", "field"),
    [({"limit_usd": "0"}, "limit_usd"), ({"soft_percent": "101"}, "soft_percent"), ({"job_type": "x"}, "job_type")],
)
def test_what_is_no_budget_is_refused_at_its_field(root_client, columns, field):
    answer = root_client.post(ADD, form(**columns))

    assert field in answer.context["adminform"].form.errors and not Budget.objects.exists()


def test_a_budget_of_all_tenants_is_seen_and_written_by_superusers_only(keeper, root_client, other_tenant):
    client = signed_in(keeper)
    assert "tenant" in client.post(ADD, form()).context["adminform"].form.errors
    assert "tenant" in client.post(ADD, form(tenant=str(other_tenant.pk))).context["adminform"].form.errors

    root_client.post(ADD, form())

    budget = Budget.objects.get()
    assert budget.tenant is None and "all tenants, a day" in root_client.get(LIST).content.decode()
    assert "all tenants" not in client.get(LIST).content.decode() and client.get(page(budget)).status_code == 404


def test_only_the_limit_and_whether_it_holds_are_edited(keeper, tenant, reader_client):
    budget = half_spent(tenant)

    signed_in(keeper).post(page(budget), form(period="month", limit_usd="7", is_active=""))

    budget.refresh_from_db()
    assert (budget.period, budget.limit_usd, budget.is_active) == ("day", 7, False)
    operator = make_user("otto", tenant=tenant, role=Role.OPERATOR, perms=OPERATOR)
    assert signed_in(operator).post(page(budget), form()).status_code == 403
    assert reader_client.post(page(budget), form()).status_code == 403
    assert signed_in(keeper).post(f"{LIST}{budget.pk}/delete/", {"post": "yes"}).status_code == 403


def test_bars_come_with_their_numbers(root_client, tenant):
    budget = half_spent(tenant)
    total = half_spent(tenant, period="total")
    waiting_for(tenant, budget)

    text = root_client.get(LIST).content.decode()

    assert text.count("$2.00 spent, $1.00 held") == 2
    assert '<rect class="budget-spent" width="53" height="8" rx="2"/>' in text, "120 pixels are 4.5 USD"
    assert "$4.50, $0.50 of it raised" in text
    assert "no end" in text and root_client.get(page(total)).status_code == 200
    assert '<td class="field-waiting_runs">1</td>' in text and '<td class="field-waiting_runs">0</td>' in text


def test_a_list_of_many_asks_no_query_for_each(root_client, tenant):
    root_client.get(LIST)  # the sidebar's numbers are kept from here on
    counts = []
    for _ in range(2):
        half_spent(tenant)
        with CaptureQueriesContext(connection) as seen:
            root_client.get(LIST)
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_a_budget_is_raised_from_the_page_of_the_run_that_waits_and_its_own_page_says_by_whom(keeper, tenant):
    budget = half_spent(tenant)
    action = waiting_for(tenant, budget)
    client = signed_in(keeper)
    address = reverse("admin:runs_pendingaction_change", args=[action.pk])
    assert "More for this budget, in this period only, in USD" in client.get(address).content.decode()

    client.post(
        reverse("admin:runs_pendingaction_raise", args=[action.pk]), {"raise_usd": "1.25", "note": "A big day."}
    )

    assert PendingAction.objects.get(pk=action.pk).status == "approved"
    assert budget.periods.get().raised_usd == Decimal("1.75")
    assert "1.25 USD for the period from 2030-01-01: A big day." in client.get(page(budget)).content.decode()


def test_who_may_not_raise_the_budget_of_all_tenants_is_told_so_beforehand(keeper, tenant):
    action = waiting_for(tenant, half_spent(None))

    text = signed_in(keeper).get(reverse("admin:runs_pendingaction_change", args=[action.pk])).content.decode()

    assert "only a superuser may raise it" in text


def test_a_forecast_goes_on_in_a_straight_line(tenant, root_client):
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    clock.advance(24 * 3600 - (now - midnight).total_seconds() + 6 * 3600)  # six o'clock
    half_spent(tenant)

    text = root_client.get(LIST).content.decode()
    assert '<td class="field-forecast">$7.99' in text or '<td class="field-forecast">$8.00' in text
