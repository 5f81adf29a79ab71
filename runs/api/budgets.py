"""Budgets: the status of the tenant's budgets."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from runs import clock
from runs.api.documents import Amount, Moment, one_page
from runs.api.tenant_view import TenantView
from runs.operations.budgets import budgets_of, status_of, with_present


class BudgetSerializer(serializers.Serializer[Any]):
    """A budget in its current period. `ceiling_usd` is the limit plus what people have raised it by."""

    id = serializers.IntegerField()
    job_type = serializers.CharField(allow_null=True, help_text="Null: every job type.")
    period = serializers.CharField(help_text="`day`, `month` or `total`.")
    starts_at = Moment()
    ends_at = Moment(allow_null=True, help_text="Null for a `total`.")
    limit_usd = Amount()
    raised_usd = Amount()
    ceiling_usd = Amount()
    spent_usd = Amount()
    reserved_usd = Amount(help_text="Held by calls in flight.")
    forecast_usd = Amount(allow_null=True, help_text="At the end of the period, at the present rate.")
    soft_percent = serializers.IntegerField()


class BudgetsView(TenantView):
    """The tenant's budgets. Budgets of all tenants are not shown: they reveal what others spend."""

    reads = "usage:read"

    @extend_schema(responses=one_page("Budgets", BudgetSerializer))
    def get(self, request: Request) -> Response:
        """List the active budgets of the tenant with their current status."""
        at = clock.now()
        found = [
            vars(one) | {"job_type": one.job_type or None} | asdict(status_of(one, at=at))
            for one in with_present(budgets_of(self.tenant), at=at)
        ]
        return Response({"results": BudgetSerializer(found, many=True).data, "next": None})
