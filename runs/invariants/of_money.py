"""Invariants of money: every dollar and token of a run belongs to a step and to a row of the ledger."""

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Case, F, Q, Sum, When

from runs.invariants.breach import CHUNK, Breach, each
from runs.models import BudgetHold, BudgetPeriod, ModelCall, ModelCallStatus, Run
from runs.states import ENDED

_RESERVED = F("holds__call__reserved_usd")
_ROUNDING = Decimal("0.000000005")  # SQLite stores decimals as floats, so its sums are slightly off
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def money_adds_up() -> Iterator[Breach]:
    """I15: the cost of a run equals that of its steps, and that of its model calls."""
    for name in ("steps", "model_calls"):
        costs = Run.objects.order_by().values_list("pk", "cost_usd")
        for pk, cost, total in costs.annotate(total=Sum(f"{name}__cost_usd")).iterator(CHUNK):
            if abs(cost - (total or 0)) >= _ROUNDING:
                yield Breach(15, str(pk), f"cost {cost}, its {name.replace('_', ' ')} {total or 0}")


def tokens_add_up() -> Iterator[Breach]:
    """I15: the tokens of a run equal those of its model calls."""
    sums = {f"total_{name}": Sum(f"model_calls__{name}") for name in _TOKENS}
    right = Q(**{name: F(f"total_{name}") for name in _TOKENS})
    runs = Run.objects.filter(model_calls__isnull=False).annotate(**sums).exclude(right)
    return each(15, runs, "has other tokens than its model calls")


def reserves_end() -> Iterator[Breach]:
    """I15: an ended run holds no reserve; the calls of an active run fit into its budget."""
    held = ModelCall.objects.filter(status=ModelCallStatus.STARTED)
    yield from each(15, held.filter(run__status__in=ENDED), "model call {pk} holds its reserve after the end")
    by_run = held.order_by().values_list("run", "run__cost_usd", "run__max_cost_usd").annotate(Sum("reserved_usd"))
    for run, cost, ceiling, reserved in by_run.filter(run__max_cost_usd__isnull=False).iterator(CHUNK):
        if cost + reserved > ceiling:
            yield Breach(15, str(run), f"{cost} spent and {reserved} reserved exceed the budget of {ceiling}")


def budgets_add_up() -> Iterator[Breach]:
    """I15: the spending and holds of a budget's period equal those of its calls."""
    closed, held = Sum("holds__usd", filter=Q(holds__is_open=False)), Sum("holds__usd", filter=Q(holds__is_open=True))
    periods = BudgetPeriod.objects.order_by().annotate(closed=closed, held=held)
    columns = ("budget", "starts_on", "before_usd", "spent_usd", "reserved_usd", "closed", "held")
    for budget, day, before, spent, reserved, cost, hold in periods.values_list(*columns).iterator(CHUNK):
        for what, is_so, should in (("spent", spent, before + (cost or 0)), ("reserved", reserved, hold or 0)):
            if abs(is_so - should) >= _ROUNDING:
                yield Breach(15, "-", f"budget {budget} from {day}: {is_so} {what}, but its calls come to {should}")


def holds_fit_their_calls() -> Iterator[Breach]:
    """I15: a call in flight holds its reserve in a budget; an ended call has been charged its cost."""
    in_flight = Q(call__status=ModelCallStatus.STARTED)
    kept = Q(is_open=True, usd=F("call__reserved_usd")) & in_flight
    closed = Q(is_open=False, usd=F("call__cost_usd")) & ~in_flight
    wrong = BudgetHold.objects.filter(call__isnull=False).exclude(kept | closed)
    return each(15, wrong, "model call {call} and what it holds of a budget, {usd}, differ", run="call__run")


def budgets_are_kept() -> Iterator[Breach]:
    """I15: nothing was reserved beyond a budget: only calls that cost more than their reserve can exceed it.

    Compared with the budget at the last reserve, since a limit may be lowered at any time.
    """
    more = Case(When(holds__call=None, then=F("holds__usd")), default=F("holds__usd") - _RESERVED)
    beyond = Sum(more, filter=Q(holds__is_open=False) & (Q(holds__call=None) | Q(holds__usd__gt=_RESERVED)))
    periods = BudgetPeriod.objects.order_by().filter(held_under_usd__isnull=False).annotate(beyond=beyond)
    columns = ("budget", "starts_on", "spent_usd", "reserved_usd", "held_under_usd", "beyond")
    for budget, day, spent, reserved, ceiling, beyond_usd in periods.values_list(*columns).iterator(CHUNK):
        if spent + reserved - ceiling - (beyond_usd or 0) >= _ROUNDING:
            message = f"{spent} spent and {reserved} reserved exceed its {ceiling}"
            yield Breach(15, "-", f"budget {budget} from {day}: {message}")
