"""Budgets: where they stand, and what they are. Admins write their tenant's, superusers those of all tenants."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, DateTimeField, OuterRef, QuerySet, Subquery, Value
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from runs import clock
from runs.admin.kit import formatting
from runs.admin.kit.forms import OwnTenantsAdmin
from runs.admin.kit.lists import CREATED, Column, InForceFilter, badge_column, clip_column
from runs.admin.kit.tenants import TenantFilter
from runs.declarations.catalog import job_types
from runs.models import Budget, PendingAction
from runs.operations.budgets import BudgetStatus, make_budget, status_of, with_present
from runs.states import ActionStatus

_SCOPE = ("tenant", "job_type", "period")
_TERMS = ("limit_usd", "soft_percent", "is_active", "note")
_STATUS_COLUMNS = ("state", "budget_status", "ceiling", "forecast", "ends", "waiting_runs", "raises")
_RAISES_SHOWN = 20
_BAR_WIDTH = 120


def _status_of(budget: Any) -> BudgetStatus:
    return status_of(budget, at=budget.seen_at)


def _state_of(budget: Budget) -> str:
    """Say whether it holds, and whether something fits into it."""
    if not budget.is_active:
        return "off"
    status = _status_of(budget)
    return "full" if status.spent_usd >= status.ceiling_usd else "in_force"


def _ceiling(budget: Budget) -> str:
    status = _status_of(budget)
    raised = f", {formatting.cents(status.raised_usd)} of it raised" if status.raised_usd else ""
    return f"{formatting.cents(status.ceiling_usd)}{raised}"


def _forecast(budget: Budget) -> str:
    """Say what it comes to by the end, if it goes on as so far."""
    forecast = _status_of(budget).forecast_usd
    return "-" if forecast is None else formatting.cents(forecast)


def _raises(budget: Budget) -> SafeString | str:
    """Name who has raised it, by how much, and why."""
    raised = PendingAction.objects.filter(status=ActionStatus.APPROVED, budget_period__budget=budget)
    newest = raised.select_related("decided_by").order_by("-decided_at")[:_RAISES_SHOWN]
    lines = format_html_join("", "<li>{}</li>", ((_said(action),) for action in newest))
    return format_html('<ul class="plain">{}</ul>', lines) if lines else "nobody yet"


@admin.register(Budget)
class BudgetAdmin(OwnTenantsAdmin[Budget]):
    """Read where budgets stand; add them, change their limit, switch them off."""

    list_display = (
        "name", "state", "budget_status", "ceiling", "forecast", "ends", "waiting_runs", clip_column("note", "note"),
    )  # fmt: skip
    list_filter = (("tenant", TenantFilter), "period", InForceFilter)
    search_fields = ("tenant__slug", "job_type", "note")
    fields: ClassVar[Any] = (*_SCOPE, *_TERMS)
    readonly_fields: ClassVar[Any] = (*_STATUS_COLUMNS, "created_by", CREATED)
    labels: ClassVar[Any] = {"limit_usd": "Limit, USD", "soft_percent": "Told at, percent", "is_active": "In force"}
    hint = (
        "The most that a call may cost is held of every budget that covers it, before it is sent. What does not fit "
        "waits for a person, or for room. A budget is not deleted: switch it off."
    )
    empty_state = (
        "No budgets: only the ceiling of each run holds. Add one for a tenant, a job type, a day, a month or in total."
    )

    name = Column("budget", str)
    state = badge_column("state", _state_of, ordering="is_active")
    budget_status = Column("spent and held", lambda budget: _bar(_status_of(budget)))
    ceiling = Column("limit", _ceiling)
    forecast = Column("forecast", _forecast)
    ends = Column("until (UTC)", lambda budget: formatting.minute(_status_of(budget).ends_at) or "no end")
    waiting_runs = Column("runs waiting", lambda budget: budget.waiting or 0)
    raises = Column("raised by", _raises)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        """Read them with their present periods, at one moment for all."""
        at = clock.now()
        rows = with_present(super().get_queryset(request), at=at)
        asking = PendingAction.objects.filter(status=ActionStatus.OPEN, budget_period__budget=OuterRef("pk"))
        counted = asking.order_by().values("budget_period__budget").annotate(count=Count("pk")).values("count")
        return rows.annotate(seen_at=Value(at, output_field=DateTimeField()), waiting=Subquery(counted))

    def get_fieldsets(self, request: HttpRequest, obj: Budget | None = None) -> Any:
        """Show first where it stands, then what may be changed."""
        if obj is None:
            return super().get_fieldsets(request, obj)
        writes = self.has_change_permission(request, obj)
        terms = _TERMS if writes else ("soft_percent", "note")  # what it is limited to stands above
        return (
            ("Where it stands", {"fields": _STATUS_COLUMNS}),
            ("What it is", {"fields": (*terms, *_SCOPE, "created_by", CREATED)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Budget | None = None) -> Any:
        """What is counted by it is never edited."""
        return (*self.readonly_fields, *(_SCOPE if obj else ()))

    def has_delete_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        """Nobody: what was spent is counted by it."""
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer what is declared: a budget over a misspelt job type would cover nothing."""
        if db_field.name == "job_type":
            names = [("", "every job type"), *((one.name, one.name) for one in job_types())]
            return forms.ChoiceField(choices=names, required=False, help_text=db_field.help_text)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:
        """Note who has added it, and count what was spent before."""
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.created_by_id = request.user.pk
        make_budget(obj)


def _said(action: PendingAction) -> str:
    by = f"{action.decided_by}, {formatting.minute(action.decided_at)}"
    note = f": {action.note}" if action.note else ""
    return f"{by}: {action.arguments['raise_usd']} USD for the period from {action.arguments['period']}{note}"


def _bar(budget_status: BudgetStatus) -> SafeString:
    """Draw what is spent, and behind it what is held, of the whole limit."""
    spent = _part(budget_status.spent_usd, budget_status.ceiling_usd)
    held = min(_part(budget_status.reserved_usd, budget_status.ceiling_usd), _BAR_WIDTH - spent)
    said = f"{formatting.cents(budget_status.spent_usd)} spent, {formatting.cents(budget_status.reserved_usd)} held"
    return format_html(
        '<svg class="budget-bar" width="{width}" height="8" viewBox="0 0 {width} 8" aria-hidden="true">'
        '<rect class="budget-limit" width="{width}" height="8" rx="2"/>'
        '<rect class="budget-spent" width="{spent}" height="8" rx="2"/>'
        '<rect class="budget-held" x="{spent}" width="{held}" height="8"/></svg> <span class="nowrap">{said}</span>',
        width=_BAR_WIDTH,
        spent=spent,
        held=held,
        said=said,
    )


def _part(usd: Decimal, of: Decimal) -> int:
    return min(_BAR_WIDTH, round(_BAR_WIDTH * usd / of)) if of > 0 else _BAR_WIDTH
