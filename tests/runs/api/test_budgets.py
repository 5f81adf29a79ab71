"""Budgets over HTTP: where the tenant's own stand now."""

from decimal import Decimal

import pytest

from runs import clock
from runs.models import Budget
from runs.operations.accounts import make_tenant, make_token
from runs.operations.budgets import make_budget

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/budgets/"


def get(client, token):
    return client.get(ADDRESS, headers={"authorization": f"Bearer {token}"})


def test_the_tenants_budgets_say_what_is_spent_held_and_to_come(client, tenant, token):
    budget = make_budget(Budget(tenant=tenant, job_type="clerk", period="day", limit_usd=Decimal(4)))
    budget.periods.update(spent_usd=2, reserved_usd=1, raised_usd=Decimal("0.5"))
    make_budget(Budget(tenant=tenant, period="total", limit_usd=Decimal(9)))

    day, total = get(client, token).json()["results"]

    midnight = f"{clock.now():%Y-%m-%dT00:00:00Z}"
    assert day["starts_at"] == midnight and Decimal(day.pop("forecast_usd")) >= 2
    assert {name: day[name] for name in day if not name.endswith("_at")} == {
        "id": budget.pk, "job_type": "clerk", "period": "day", "limit_usd": "4", "raised_usd": "0.5",
        "ceiling_usd": "4.5", "spent_usd": "2", "reserved_usd": "1", "soft_percent": 80,
    }  # fmt: skip
    assert (total["job_type"], total["ends_at"], total["forecast_usd"]) == (None, None, None)


def test_a_budget_that_nobody_has_used_today_stands_at_nothing(client, tenant, token):
    make_budget(Budget(tenant=tenant, period="day", limit_usd=Decimal(4)))
    clock.advance(24 * 3600)

    (day,) = get(client, token).json()["results"]

    assert (day["spent_usd"], day["reserved_usd"], day["ceiling_usd"], day["forecast_usd"]) == ("0", "0", "4", "0")


def test_budgets_of_others_of_all_and_those_switched_off_are_not_shown(client, tenant, token):
    for owner, is_active in ((make_tenant("other"), True), (None, True), (tenant, False)):
        make_budget(Budget(tenant=owner, period="day", limit_usd=Decimal(4), is_active=is_active))

    assert get(client, token).json() == {"results": [], "next": None}


def test_it_needs_the_scope_of_usage(client, tenant):
    token = make_token(tenant_slug=tenant.slug, scopes=["runs:read"])

    answer = get(client, token)

    assert answer.status_code == 403 and "usage:read" in answer.json()["detail"]
