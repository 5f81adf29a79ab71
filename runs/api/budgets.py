"""Budgets: the status of the tenant's budgets."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from runs import clock
from runs.api.documents import Moment
from runs.api.serializers import money
from runs.api.tenant_view import TenantView
from runs.models import Budget
from runs.operations.budgets import BudgetStatus, budgets_of, status_of, with_present


class BudgetSerializer(serializers.Serializer[Any]):
    """A budget in its current period. `ceiling_usd` is the limit plus what people have raised it by."""

    id = serializers.IntegerField()
    job_type = serializers.CharField(allow_null=True, help_text="Null: every job type.")
    period = serializers.CharField(help_text="`day`, `month` or `total`.")
    starts_at = Moment()
    ends_at = Moment(allow_null=True, help_text="Null for a `total`.")
    limit_usd = serializers.CharField()
    raised_usd = serializers.CharField()
    ceiling_usd = serializers.CharField()
    spent_usd = serializers.CharField()
    reserved_usd = serializers.CharField(help_text="Held by calls in flight.")
    forecast_usd = serializers.CharField(allow_null=True, help_text="At the end of the period, at the present rate.")
    soft_percent = serializers.IntegerField()


class BudgetsSerializer(serializers.Serializer[Any]):
    """The tenant's active budgets, always on one page."""

    results = BudgetSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class BudgetsView(TenantView):
    """The tenant's budgets. Budgets of all tenants are not shown: they reveal what others spend."""

    scopes = {"get": "usage:read"}

    @extend_schema(responses=BudgetsSerializer)
    def get(self, request: Request) -> Response:
        """List the active budgets of the tenant with their current status."""
        at = clock.now()
        found = with_present(budgets_of(self.tenant), at=at)
        return Response({"results": [describe(one, status_of(one, at=at)) for one in found], "next": None})


def describe(budget: Budget, budget_status: BudgetStatus) -> dict[str, Any]:
    """Write a budget as its document."""
    return {
        "id": budget.pk,
        "job_type": budget.job_type or None,
        "period": budget.period,
        "starts_at": budget_status.starts_at,
        "ends_at": budget_status.ends_at,
        "limit_usd": money(budget.limit_usd),
        "raised_usd": money(budget_status.raised_usd),
        "ceiling_usd": money(budget_status.ceiling_usd),
        "spent_usd": money(budget_status.spent_usd),
        "reserved_usd": money(budget_status.reserved_usd),
        "forecast_usd": money(budget_status.forecast_usd),
        "soft_percent": budget.soft_percent,
    }
