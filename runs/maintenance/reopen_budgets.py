"""Release runs that waited for headroom in a budget: it was raised or edited, calls cost less, or a period began."""

from decimal import Decimal

from django.db import transaction

from runs import clock
from runs.clock import Now
from runs.engine.sleep import wake_after_action
from runs.models import BudgetPeriod, PendingAction, Run
from runs.models.moves import Event
from runs.states import ActionStatus

_AT_ONCE = 200  # runs released per period and sweep: thousands take several sweeps


def reopen_budgets() -> int:
    """Close the actions whose call fits now, oldest first, and release their runs. Returns how many."""
    asking = PendingAction.objects.filter(status=ActionStatus.OPEN, budget_period__isnull=False)
    waited_for = set(asking.order_by("budget_period").values_list("budget_period", flat=True).distinct())
    if not waited_for:
        return 0
    periods = BudgetPeriod.objects.filter(pk__in=waited_for).select_related("budget")
    return sum(_reopen(period) for period in periods)


def _reopen(period: BudgetPeriod) -> int:
    """Release only as many runs as fit: each reserves again, and one that does not fit would ask again."""
    because, room = _room(period)
    asking = PendingAction.objects.filter(status=ActionStatus.OPEN, budget_period=period).order_by("requested_at")
    released = 0
    # Look at all of them, maybe thousands: one too expensive to fit must not hide cheaper ones behind it.
    for action in list(asking.only("arguments", "run", "step")):
        if released >= _AT_ONCE:
            break
        needs = Decimal(action.arguments["needs_usd"])
        if room is not None and needs > room:
            continue
        released += _go_on(action, because)
        room = None if room is None else room - needs
    return released


def _room(period: BudgetPeriod) -> tuple[str, Decimal | None]:
    """Say why there may be headroom, and how much; None means unlimited, as far as this period knows."""
    if not period.budget.is_active:
        return "the budget was switched off", None
    if period.ends_at and period.ends_at <= clock.now():
        return f"a new {period.budget.period} has begun", None
    return "the budget has room again", period.room_usd


@transaction.atomic
def _go_on(action: PendingAction, because: str) -> bool:
    run = Run.objects.select_for_update(of=("self",)).get(pk=action.run_id)
    still_open = PendingAction.objects.filter(pk=action.pk, status=ActionStatus.OPEN)
    if not still_open.update(status=ActionStatus.CANCELLED, decided_at=Now(), notify_at=None, note=because):
        return False  # a person was faster
    data = {"action": str(action.pk), "step": action.step.seq, "because": because}
    wake_after_action(run, Event("action.cancelled", data, actor="budget"))
    return True
