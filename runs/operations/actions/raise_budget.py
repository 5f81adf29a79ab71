"""Raise a used-up budget: that of the run, or of its tenant."""

import re
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs import clock
from runs.errors import InvalidInputError, InvalidTransitionError
from runs.models import BudgetPeriod, PendingAction
from runs.models.fields import dump_json, hash_of
from runs.operations.actions.decide import Decision, decide, expect, go_on, is_open, lock
from runs.operations.permissions import check_may_raise
from runs.states import ActionKind, ActionStatus


def raise_budget(
    action: PendingAction, *, user: AbstractBaseUser, arguments: Any = None, note: str = ""
) -> PendingAction:
    """Raise the run's budget to the proposed amount, or the one in `arguments`: `{"max_cost_usd": "1.50"}`.

    If the full budget is that of a tenant or of all tenants, raise that one, for this period only:
    `{"raise_usd": "1.50"}`.
    Raises: InvalidInputError; InvalidTransitionError, also if there is headroom by now, so that one raise does not
    become many; ConflictError; NotPermittedError.
    """
    expect(action, "raise", ActionKind.BUDGET)
    check_may_raise(action, user)
    name = "raise_usd" if action.budget_period_id else "max_cost_usd"
    given = None if arguments is None else _given(arguments, name)
    decision = Decision({"verb": "approve", "arguments": given}, ActionStatus.APPROVED, note)
    with transaction.atomic():
        action = lock(action)
        if not is_open(action, decision):
            return action
        check_may_raise(action, user)
        period = _lock_full_period(action)
        if given is not None:
            _edit(action, given, period)
        decided = decide(action, decision, user)
        amount = Decimal(decided.arguments[name])
        if period:
            BudgetPeriod.objects.filter(pk=period.pk).update(raised_usd=period.raised_usd + amount)
        of_run = {} if period else {"max_cost_usd": amount}
        go_on(decided, user, **of_run)
    return decided


def _lock_full_period(action: PendingAction) -> BudgetPeriod | None:
    """Lock the full budget; None if it is the run's own. Raises: InvalidTransitionError if it has room again."""
    if action.budget_period_id is None:
        return None
    locked = BudgetPeriod.objects.select_for_update(of=("self",)).select_related("budget")
    period = locked.get(pk=action.budget_period_id)
    if period.ends_at and period.ends_at <= clock.now():
        raise InvalidTransitionError("its period is over: the run goes on by itself")
    if Decimal(action.arguments["needs_usd"]) <= period.room_usd:
        raise InvalidTransitionError("the budget has room again: the run goes on by itself")
    return period


def _edit(action: PendingAction, given: dict[str, str], period: BudgetPeriod | None) -> None:
    """Store another amount, and keep the proposed one. Raises: InvalidInputError for more than a person may add."""
    if period:
        most = max(period.budget.limit_usd, Decimal((action.proposed or action.arguments)["raise_usd"]))
        if Decimal(given["raise_usd"]) > most:
            raise InvalidInputError(
                {"arguments.raise_usd": [f"give at most {most.normalize():f} USD at once, or edit the limit itself"]}
            )
    edited = action.arguments | given
    if dump_json(edited) != dump_json(action.arguments):
        action.proposed, action.arguments, action.arguments_hash = action.arguments, edited, hash_of(edited)
        action.save(update_fields=["proposed", "arguments", "arguments_hash"])


_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,8})?", re.ASCII)


def _given(arguments: dict[str, Any], name: str) -> dict[str, str]:
    """Read the amount. Raises: InvalidInputError unless it is a plain decimal that fits, or more is given than that."""
    unknown = sorted(set(arguments) - {name})
    if unknown and name == "raise_usd":
        raise InvalidInputError({f"arguments.{unknown[0]}": ["cannot be changed here; give raise_usd alone"]})
    text = str(arguments.get(name, ""))
    if not _AMOUNT.fullmatch(text) or Decimal(text) == 0:
        said = "give USD above 0 as a plain decimal, at most 6 digits before the point and 8 after"
        raise InvalidInputError({f"arguments.{name}": [said]})
    return {name: text}
