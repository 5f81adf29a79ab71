"""A budget as a bar, drawn on the server, with its numbers beside it."""

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.admin import show
from runs.operations.budgets import BudgetStatus

WIDTH = 120


def bar(budget_status: BudgetStatus) -> SafeString:
    """Draw what is spent, and behind it what is held, of the whole limit."""
    spent = _part(budget_status.spent_usd, budget_status.ceiling_usd)
    held = min(_part(budget_status.reserved_usd, budget_status.ceiling_usd), WIDTH - spent)
    said = f"{show.cents(budget_status.spent_usd)} spent, {show.cents(budget_status.reserved_usd)} held"
    return format_html(
        '<svg class="budget-bar" width="{width}" height="8" viewBox="0 0 {width} 8" aria-hidden="true">'
        '<rect class="budget-limit" width="{width}" height="8" rx="2"/>'
        '<rect class="budget-spent" width="{spent}" height="8" rx="2"/>'
        '<rect class="budget-held" x="{spent}" width="{held}" height="8"/></svg> <span class="nowrap">{said}</span>',
        width=WIDTH,
        spent=spent,
        held=held,
        said=said,
    )


def _part(usd: Decimal, of: Decimal) -> int:
    return min(WIDTH, round(WIDTH * usd / of)) if of > 0 else WIDTH
