"""Budgets: ceilings on money over a tenant, or all of them together, and what their periods have used up of them."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from runs.models.fields import MONEY
from runs.models.model_call import ModelCall
from runs.models.tenant import Tenant

EVER = date(1970, 1, 1)  # on which the one period of a `total` begins
_SPENT: dict[str, Any] = {"max_digits": 18, "decimal_places": 8, "default": Decimal(0)}  # more than one call or limit


class Period(models.TextChoices):
    """For how long a budget is; its days and months are those of UTC, by the database's clock."""

    DAY = "day", "day"
    MONTH = "month", "month"
    TOTAL = "total", "total: from its making on"


class Budget(models.Model):
    """A ceiling. Its scope and period are never edited, since what was spent is counted by them."""

    tenant = models.ForeignKey(
        Tenant, models.PROTECT, null=True, blank=True, related_name="budgets", help_text="Empty: all tenants together."
    )
    job_type = models.CharField(max_length=100, blank=True, help_text="Empty: every job type.")
    period = models.CharField(max_length=8, choices=Period)
    limit_usd = models.DecimalField(
        **MONEY, validators=[MinValueValidator(Decimal("0.01"))], help_text="USD. What does not fit waits for a person."
    )
    soft_percent = models.PositiveSmallIntegerField(
        default=80,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="When so much of it is spent, its admins are told, once a period.",
    )
    is_active = models.BooleanField(default=True, help_text="Off: nothing is reserved of it or counted by it.")
    note = models.CharField(max_length=300, blank=True, help_text="What it is for.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(limit_usd__gt=0), name="budget_limit_above_0"),
            models.CheckConstraint(condition=Q(period__in=Period.values), name="budget_period_known"),
        ]

    def __str__(self) -> str:
        over = self.tenant.slug if self.tenant else "all tenants"
        of = f" ({self.job_type})" if self.job_type else ""
        return f"{over}{of}, {'in total' if self.period == Period.TOTAL else f'a {self.period}'}"


class BudgetPeriod(models.Model):
    """One day or month of a budget. Its sums change only under its row lock (`runs/engine/budget_holds.py`)."""

    budget = models.ForeignKey(Budget, models.PROTECT, db_index=False, related_name="periods")
    starts_on = models.DateField(help_text="Its first day, in UTC.")
    before_usd = models.DecimalField(**_SPENT, help_text="Of it, spent or in flight before the budget was made.")
    spent_usd = models.DecimalField(**_SPENT)
    reserved_usd = models.DecimalField(**_SPENT, help_text="Held by calls in flight.")
    raised_usd = models.DecimalField(**_SPENT, help_text="What people have added to the limit, for this period only.")
    held_under_usd = models.DecimalField(
        **_SPENT | {"default": None}, null=True, help_text="The ceiling, as it was when something was last reserved."
    )
    soft_reached_at = models.DateTimeField(null=True)
    soft_notified_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["budget", "-starts_on"]
        constraints = [
            models.UniqueConstraint(fields=["budget", "starts_on"], name="budget_period_once"),
            models.CheckConstraint(
                condition=Q(before_usd__gte=0, spent_usd__gte=0, reserved_usd__gte=0, raised_usd__gte=0),
                name="budget_period_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["soft_reached_at"],
                condition=Q(soft_reached_at__isnull=False, soft_notified_at__isnull=True),
                name="budget_soft_unnotified",
            )
        ]

    def __str__(self) -> str:
        return f"{self.budget}, from {self.starts_on}"

    @property
    def ceiling_usd(self) -> Decimal:
        """What may be spent in this period."""
        return self.budget.limit_usd + self.raised_usd

    @property
    def room_usd(self) -> Decimal:
        """What is neither spent nor reserved; below 0 if the limit was lowered meanwhile."""
        return self.ceiling_usd - self.spent_usd - self.reserved_usd

    @property
    def ends_at(self) -> datetime | None:
        """When the next period begins; None for a `total`."""
        return end_of(Period(self.budget.period), self.starts_on)


class BudgetHold(models.Model):
    """What one model call holds of one budget; once the call is settled, what it has cost it."""

    call = models.ForeignKey(ModelCall, models.SET_NULL, null=True, db_index=False, related_name="holds")
    period = models.ForeignKey(BudgetPeriod, models.PROTECT, related_name="holds")
    usd = models.DecimalField(**MONEY, help_text="The reserve while it is open, then the cost.")
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "period"], name="budget_hold_once")]

    def __str__(self) -> str:
        return f"{self.usd} USD {'held' if self.is_open else 'spent'}"


def start_of(period: Period, at: datetime) -> date:
    """Find the first day of the period in which a moment lies."""
    day = at.astimezone(UTC).date()
    match period:
        case Period.DAY:
            return day
        case Period.MONTH:
            return day.replace(day=1)
        case Period.TOTAL:
            return EVER


def end_of(period: Period, starts_on: date) -> datetime | None:
    """Find when the period that begins on this day is over; None if it never is."""
    match period:
        case Period.DAY:
            following = starts_on + timedelta(days=1)
        case Period.MONTH:
            following = (starts_on.replace(day=28) + timedelta(days=4)).replace(day=1)
        case Period.TOTAL:
            return None
    return datetime.combine(following, time(), UTC)
