"""What model calls hold of budgets: reserve with the intent, settle with the end, in the same transaction.

A transaction locks all its periods together, by ascending id, after the run's own row; rows of periods that have just
begun are inserted before that. So two transactions never deadlock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from runs.clock import Now
from runs.engine.budgets import Watched, budgets_over
from runs.errors import BudgetFullError
from runs.models import BudgetHold, BudgetPeriod, ModelCall, ModelCallStatus, Run, start_of
from runs.models.moves import Event

_Place = tuple[int, date]  # of a period: budget and first day


@dataclass(frozen=True, slots=True)
class Begun:
    """A call about to be sent, and the budgets it counts in."""

    call: ModelCall
    budgets: tuple[Watched, ...]

    @property
    def places(self) -> list[_Place]:
        """Return the periods in which the call begins."""
        return [(budget.pk, start_of(budget.period, self.call.started_at)) for budget in self.budgets]


class Holds:
    """What the calls of one claim do to budgets with the next commit. Free if there are no budgets."""

    def __init__(self) -> None:
        self._begun: dict[UUID, Begun] = {}
        self._ended: dict[UUID, ModelCall] = {}
        self._own: dict[UUID, bool] = {}  # calls that this claim has begun: whether they hold something

    def note(self, call: ModelCall, run: Run) -> None:
        """Take into account a row of the ledger that the next commit writes.

        Only the database knows whether a call begun by another claim holds something.
        """
        if call.status != ModelCallStatus.STARTED:
            if self._own.get(call.pk, True):
                self._ended[call.pk] = call
        elif call._state.adding and call.pk not in self._own:
            budgets = budgets_over(run)
            self._own[call.pk] = bool(budgets)
            if budgets:
                self._begun[call.pk] = Begun(call, budgets)

    def __bool__(self) -> bool:
        return bool(self._begun or self._ended)

    def write(self) -> list[Event]:
        """Reserve and settle, all or nothing; return the events to record. Needs the transaction of the run's change.

        Raises: BudgetFullError.
        """
        return reserve_and_settle(list(self._begun.values()), list(self._ended.values()))

    def take_back(self) -> None:
        """Drop the calls that could not begin: nothing was reserved."""
        self._begun = {}

    def forget(self) -> None:
        """Clear everything after a successful write."""
        self._begun, self._ended = {}, {}


def settle_holds(calls: Sequence[ModelCall]) -> list[Event]:
    """Turn the holds of ended calls into their costs; return the events to record. Needs a transaction."""
    return reserve_and_settle([], calls)


def correct_call(call: ModelCall) -> None:
    """Correct the cost of a settled call in its budgets once a better figure is known. Needs a transaction."""
    holds = list(BudgetHold.objects.filter(call=call, is_open=False))
    periods = _locked({hold.period_id for hold in holds}, set()) if holds else {}
    for hold in holds:
        period = periods[hold.period_id]
        period.spent_usd += call.cost_usd - hold.usd
        BudgetHold.objects.filter(pk=hold.pk).update(usd=call.cost_usd)
        period.save(update_fields=["spent_usd"])


def reserve_and_settle(begun: Sequence[Begun], ended: Sequence[ModelCall]) -> list[Event]:
    """Settle the ended calls, then reserve the worst case of the new ones, in every budget or in none.

    Raises: BudgetFullError for the first budget without headroom.
    """
    costs = {call.pk: call.cost_usd for call in ended}
    open_holds = list(BudgetHold.objects.filter(call__in=costs, is_open=True)) if costs else []
    places = {place for one in begun for place in one.places}
    if not open_holds and not places:
        return []
    _make_missing(places)
    periods = _locked({hold.period_id for hold in open_holds}, places)
    events = [event for hold in open_holds for event in _settle(hold, periods, costs)]
    for one in begun:
        _reserve(one, periods)
    for period in periods.values():
        period.save(update_fields=["spent_usd", "reserved_usd", "held_under_usd", "soft_reached_at"])
    return events


def _make_missing(places: set[_Place]) -> None:
    """Insert the rows of periods that have just begun, before any is locked (see the module's docstring)."""
    there = set(_at(places).values_list("budget", "starts_on")) if places else set()
    missing = [BudgetPeriod(budget_id=budget, starts_on=day) for budget, day in sorted(places - there)]
    BudgetPeriod.objects.bulk_create(missing, ignore_conflicts=True)


def _locked(ids: set[int], places: set[_Place]) -> dict[int, BudgetPeriod]:
    """Lock these periods and read their budgets fresh, not from the cache of a second ago."""
    wanted = _at(places, or_ids=ids).select_related("budget").select_for_update(of=("self",)).order_by("pk")
    return {period.pk: period for period in wanted}


def _at(places: Iterable[_Place], *, or_ids: Iterable[int] = ()) -> Any:
    wanted = Q(pk__in=or_ids)
    for budget, day in places:
        wanted |= Q(budget=budget, starts_on=day)
    return BudgetPeriod.objects.filter(wanted)


def _settle(hold: BudgetHold, periods: dict[int, BudgetPeriod], costs: dict[UUID, Decimal]) -> list[Event]:
    period = periods[hold.period_id]
    assert hold.call_id is not None
    cost = costs[hold.call_id]
    BudgetHold.objects.filter(pk=hold.pk, is_open=True).update(usd=cost, is_open=False)
    period.reserved_usd -= hold.usd
    period.spent_usd += cost
    return _reach_soft(period)


def _reach_soft(period: BudgetPeriod) -> list[Event]:
    """Record, once, that the soft threshold is reached; the sweep mails about it."""
    threshold = period.ceiling_usd * period.budget.soft_percent / 100
    if period.soft_reached_at or period.spent_usd < threshold:
        return []
    period.soft_reached_at = Now()  # an expression, until it is saved
    return [Event("budget.soft", {"budget": period.budget_id, "percent": period.budget.soft_percent})]


def _reserve(one: Begun, periods: dict[int, BudgetPeriod]) -> None:
    """Hold the worst case. Decimals are added here, not in SQL: SQLite would use floats."""
    places, usd = set(one.places), one.call.reserved_usd
    mine = [p for p in periods.values() if (p.budget_id, p.starts_on) in places and p.budget.is_active]
    for period in mine:
        if usd > period.room_usd:
            raise BudgetFullError(
                budget_id=period.budget_id, starts_on=period.starts_on, needs_usd=usd, room_usd=period.room_usd
            )
    for period in mine:
        period.reserved_usd += usd
        period.held_under_usd = period.ceiling_usd
    BudgetHold.objects.bulk_create([BudgetHold(call=one.call, period=period, usd=usd) for period in mine])
