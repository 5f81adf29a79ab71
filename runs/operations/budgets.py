"""Create budgets and read their status. Spending in the period before a budget was created counts."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from runs import clock
from runs.models import Budget, BudgetPeriod, Period, Tenant, end_of, start_of
from runs.operations.usage import usage_by


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """The status of a budget in its current period."""

    starts_at: datetime
    ends_at: datetime | None
    ceiling_usd: Decimal
    raised_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    forecast_usd: Decimal | None  # at the end of the period, at the present rate; None for a `total`


@transaction.atomic
def make_budget(budget: Budget) -> Budget:
    """Store a new budget with its current period. Earlier spending and calls in flight count.

    A `total` starts at zero.
    """
    budget.save()
    at = clock.now()
    before = Decimal(0) if budget.period == Period.TOTAL else _spent_before(budget, at)
    BudgetPeriod.objects.create(
        budget=budget, starts_on=start_of(Period(budget.period), at), before_usd=before, spent_usd=before
    )
    return budget


def _spent_before(budget: Budget, at: datetime) -> Decimal:
    since = datetime.combine(start_of(Period(budget.period), at), time(), UTC)
    if since >= at:
        return Decimal(0)
    usage = usage_by(["job_type"], since=since, until=at, tenant=budget.tenant)
    counted = [row.sums for row in usage.rows if budget.job_type in ("", row.keys[0])]
    return sum((sums.cost_usd + sums.reserved_usd for sums in counted), Decimal(0))


def with_present(budgets: QuerySet[Budget], *, at: datetime) -> QuerySet[Budget]:
    """Read each budget with its tenant and its current period."""
    days = {start_of(period, at) for period in Period}
    present = Prefetch("periods", BudgetPeriod.objects.filter(starts_on__in=days), to_attr="present")
    return budgets.select_related("tenant").prefetch_related(present)


def budgets_of(tenant: Tenant) -> QuerySet[Budget]:
    """Select the active budgets of one tenant; a budget of all tenants would reveal what others spend."""
    return Budget.objects.filter(tenant=tenant, is_active=True)


def status_of(budget: Budget, *, at: datetime) -> BudgetStatus:
    """Return the status of one budget. A period without calls has no row yet."""
    period, day = Period(budget.period), start_of(Period(budget.period), at)
    known = getattr(budget, "present", None)
    rows = list(budget.periods.filter(starts_on=day)) if known is None else known
    row = next((one for one in rows if one.starts_on == day), BudgetPeriod(budget=budget, starts_on=day))
    row.budget = budget
    starts_at = budget.created_at if period == Period.TOTAL else datetime.combine(day, time(), UTC)
    ends_at, forecast = end_of(period, day), None
    if ends_at:  # spending is extrapolated linearly; a minute says little, a second nothing
        passed_s = max((at - starts_at).total_seconds(), 60.0)
        forecast = row.spent_usd * max(Decimal((ends_at - starts_at).total_seconds() / passed_s), Decimal(1))
    return BudgetStatus(
        starts_at=starts_at,
        ends_at=ends_at,
        ceiling_usd=row.ceiling_usd,
        raised_usd=row.raised_usd,
        spent_usd=row.spent_usd,
        reserved_usd=row.reserved_usd,
        forecast_usd=None if forecast is None else forecast.quantize(Decimal("0.00000001")),
    )
