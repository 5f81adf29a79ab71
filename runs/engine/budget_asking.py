"""Ask for headroom in a budget, the run's own or a shared one: the run waits as a row until there is some."""

from datetime import timedelta
from decimal import ROUND_UP, Decimal

from runs.engine.asking import ask
from runs.engine.journal import Journal
from runs.engine.outcomes import Waiting
from runs.errors import BudgetFullError, BudgetRefusedError
from runs.models import BudgetPeriod, PendingAction, Run, Step
from runs.states import ActionKind, ActionStatus

_CENT = Decimal("0.01")  # the unit of a proposal
_MOST_USD = Decimal("999999.99")  # what a column holds
_PROPOSED_PART = 10  # of the limit, unless the call needs more
_PATIENCE_S = 60.0  # before asking people, since calls in flight may give back enough


def asks_for_more(journal: Journal, step: Step, reserve: Decimal) -> bool:
    """Open a `budget` action if the worst case exceeds what is left of the run's `max_cost_usd`.

    Raises: BudgetRefusedError.
    """
    run = journal.run
    if run.max_cost_usd is None or run.cost_usd + reserve <= run.max_cost_usd:
        return False
    last = journal.decision_on(step)
    if was_refused(journal, last):
        raise BudgetRefusedError(f"the budget of {run.max_cost_usd.normalize():f} USD was not raised")
    if not (last and last.status == ActionStatus.OPEN):
        ask(
            journal,
            step,
            ActionKind.BUDGET,
            reason=f"The next model call may cost up to {reserve.normalize():f} USD; "
            f"{run.cost_usd.normalize():f} of {run.max_cost_usd.normalize():f} USD are spent.",
            arguments={"max_cost_usd": f"{proposed_ceiling_usd(run, reserve):f}"},
        )
    return True


def wait_for_room(journal: Journal, step: Step, full: BudgetFullError) -> Waiting:
    """Open a `budget` action for a step whose worst case does not fit. Raises: BudgetRefusedError."""
    last = journal.decision_on(step)
    period = _period(full)
    if was_refused(journal, last):
        raise BudgetRefusedError(f"the budget of {period.budget} was not raised")
    if not (last and last.status == ActionStatus.OPEN):
        _ask(journal, step, full, period)
    return Waiting()


def was_refused(journal: Journal, last: PendingAction | None) -> bool:
    """Say whether a person refused the headroom. A replay since then clears the refusal: the run asks again."""
    if last is None or last.status not in (ActionStatus.REJECTED, ActionStatus.EXPIRED):
        return False
    return not journal.run.events.filter(kind="run.replayed", at__gte=last.decided_at).exists()


def _period(full: BudgetFullError) -> BudgetPeriod:
    """Look up the period again: its row may have been inserted by the transaction that was rolled back."""
    BudgetPeriod.objects.get_or_create(budget_id=full.budget_id, starts_on=full.starts_on)
    found = BudgetPeriod.objects.select_related("budget__tenant")
    return found.get(budget_id=full.budget_id, starts_on=full.starts_on)


def _ask(journal: Journal, step: Step, full: BudgetFullError, period: BudgetPeriod) -> None:
    arguments = {
        "budget": str(period.budget),
        "period": period.starts_on.isoformat(),
        "needs_usd": f"{full.needs_usd:f}",
        "raise_usd": f"{proposed_usd(full, period):f}",
    }
    ends = {} if period.ends_at is None else {"expires_at": None}  # the run goes on by itself in the next period
    action = ask(journal, step, ActionKind.BUDGET, reason=_reason(full, period), arguments=arguments, **ends)
    action.budget_period = period
    if full.needs_usd <= period.ceiling_usd - period.spent_usd:
        action.notify_at = journal.lease.now() + timedelta(seconds=_PATIENCE_S)


def proposed_usd(full: BudgetFullError, period: BudgetPeriod) -> Decimal:
    """Propose how much to raise the budget by: what is missing, at least a tenth of the limit."""
    usual = period.budget.limit_usd / _PROPOSED_PART
    return _proposed(usual, at_least=full.needs_usd - full.room_usd)


def proposed_ceiling_usd(run: Run, reserve_usd: Decimal) -> Decimal:
    """Propose a new `max_cost_usd` for a run whose next call does not fit: twice the present one, or what it needs."""
    assert run.max_cost_usd is not None
    return _proposed(run.max_cost_usd * 2, at_least=run.cost_usd + reserve_usd)


def _proposed(usual: Decimal, *, at_least: Decimal) -> Decimal:
    """Round up to whole cents: an accepted proposal must be enough for the call."""
    return min(max(usual, at_least).quantize(_CENT, ROUND_UP), _MOST_USD)


def _reason(full: BudgetFullError, period: BudgetPeriod) -> str:
    """Say what does not fit. A tenant must not see what all tenants spend."""
    call = f"The next model call may cost up to {full.needs_usd.normalize():f} USD"
    if period.budget.tenant_id is None:
        return f"{call}, and the budget of all tenants has no room for it."
    spent, held, ceiling = (
        f"{usd.normalize():f}" for usd in (period.spent_usd, period.reserved_usd, period.ceiling_usd)
    )
    return f"{call}; of the budget {period.budget}, {spent} of {ceiling} USD are spent and {held} held."
