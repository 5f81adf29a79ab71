"""A model in this very process whose calls hold and cost a known amount, and budgets to hold it of."""

from datetime import UTC, datetime
from decimal import Decimal

from runs import clock
from runs.engine.budgets import forget_budgets
from runs.engine.prices import forget_rows
from runs.engine.provider import Answer
from runs.models import Budget, BudgetPeriod, ModelCall, Price
from runs.operations.budgets import make_budget

HELD, COST = Decimal(1), Decimal("0.25")  # of a call, and of its answer
MAX_TOKENS, ANSWERED = 4096, 1024  # an agent's default; the reserve is their price
_RATES = {"input_usd": 0, "cache_read_usd": 0, "cache_write_usd": 0, "cache_write_1h_usd": 0}


def price_calls():
    """Let only what is answered cost anything, so that the reserve of a call is a dollar."""
    usd = Decimal(1_000_000) / MAX_TOKENS
    Price.objects.create(
        model="claude-*", output_usd=usd, web_searches_usd=0, valid_from=datetime(2020, 1, 1, tzinfo=UTC), **_RATES
    )
    forget_rows()


def budget(limit="1.5", *, period="day", tenant=None, **columns):
    made = make_budget(Budget(limit_usd=Decimal(limit), period=period, tenant=tenant, **columns))
    forget_budgets()
    return made


def period_of(one):
    return BudgetPeriod.objects.select_related("budget").filter(budget=one).order_by("-starts_on").first()


def sums_of(one):
    """What is spent and held of a budget now."""
    period = period_of(one)
    return period.spent_usd, period.reserved_usd


def answer(request, **_):
    """Say one word."""
    message = {
        "id": f"msg_{ModelCall.objects.count()}",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [{"type": "text", "text": "Done."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 0, "output_tokens": ANSWERED},
    }
    return Answer(message=message, request_id="req")


def next_day():
    clock.advance(24 * 3600)
    forget_budgets()
