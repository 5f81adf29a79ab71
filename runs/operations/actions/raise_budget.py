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

    If the full budget is that of a tenant or of all tenants, raise that one: `{"raise_usd": "1.50"}`.
    Raises: InvalidInputError, InvalidTransitionError, ConflictError, NotPermittedError.
    """
    expect(action, "raise", ActionKind.BUDGET)
    if action.budget_period_id:
        return raise_period(action, user=user, arguments=arguments, note=note)
    check_may_raise(action, user)
    edited = None if arguments is None else {"max_cost_usd": plain_amount(arguments, "max_cost_usd")}
    decision = Decision({"verb": "approve", "arguments": edited}, ActionStatus.APPROVED, note)
    with transaction.atomic():
        _, action = lock(action)
        if not is_open(action, decision):
            return action
        check_may_raise(action, user)
        if edited is not None and dump_json(edited) != dump_json(action.arguments):
            action.proposed, action.arguments, action.arguments_hash = action.arguments, edited, hash_of(edited)
            action.save(update_fields=["proposed", "arguments", "arguments_hash"])
        decided = decide(action, decision, user)
        go_on(decided, user, max_cost_usd=Decimal(decided.arguments["max_cost_usd"]))
    return decided


def raise_period(action: PendingAction, *, user: AbstractBaseUser, arguments: Any, note: str) -> PendingAction:
    """Raise the budget, for this period only, by the proposed amount or `arguments`: `{"raise_usd": "1.50"}`.

    Raises: InvalidInputError; InvalidTransitionError if there is headroom by now, so that one raise does not become
    many; ConflictError; NotPermittedError.
    """
    check_may_raise(action, user)
    given = None if arguments is None else _given(arguments)
    decision = Decision({"verb": "approve", "arguments": given}, ActionStatus.APPROVED, note)
    with transaction.atomic():
        _, action = lock(action)
        if not is_open(action, decision):
            return action
        check_may_raise(action, user)
        period = _lock_period(action)
        _check_needed(action, period)
        if given is not None:
            _edit(action, given, period)
        decided = decide(action, decision, user)
        period.raised_usd += Decimal(decided.arguments["raise_usd"])
        period.save(update_fields=["raised_usd"])
        go_on(decided, user)
    return decided


def _given(arguments: dict[str, Any]) -> dict[str, str]:
    """Read the amount of the raise. Raises: InvalidInputError, also for arguments that may not be changed."""
    unknown = sorted(set(arguments) - {"raise_usd"})
    if unknown:
        raise InvalidInputError({f"arguments.{unknown[0]}": ["cannot be changed here; give raise_usd alone"]})
    return {"raise_usd": plain_amount(arguments, "raise_usd")}


def _lock_period(action: PendingAction) -> BudgetPeriod:
    locked = BudgetPeriod.objects.select_for_update(of=("self",)).select_related("budget")
    assert action.budget_period_id is not None
    return locked.get(pk=action.budget_period_id)


def _check_needed(action: PendingAction, period: BudgetPeriod) -> None:
    """Refuse a raise that is no longer needed. Raises: InvalidTransitionError."""
    if period.ends_at and period.ends_at <= clock.now():
        raise InvalidTransitionError("its period is over: the run goes on by itself")
    if Decimal(action.arguments["needs_usd"]) <= period.room_usd:
        raise InvalidTransitionError("the budget has room again: the run goes on by itself")


def _edit(action: PendingAction, given: dict[str, str], period: BudgetPeriod) -> None:
    """Store another amount, and keep the proposed one. Raises: InvalidInputError for more than a person may add."""
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


def plain_amount(arguments: dict[str, Any], name: str) -> str:
    """Read an amount from the arguments. Raises: InvalidInputError unless it is a plain decimal that fits."""
    text = str(arguments.get(name, ""))
    if not _AMOUNT.fullmatch(text) or Decimal(text) == 0:
        said = "give USD above 0 as a plain decimal, at most 6 digits before the point and 8 after"
        raise InvalidInputError({f"arguments.{name}": [said]})
    return text
