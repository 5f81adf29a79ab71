"""Raising a budget that has come to its end: that of the run, or of its tenant."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs.models import PendingAction
from runs.models.fields import dump_json, hash_of
from runs.operations.actions.amounts import plain_amount
from runs.operations.actions.decide import Decision, decide, expect, go_on, is_open, lock
from runs.operations.actions.permission import check_may_raise
from runs.operations.actions.raise_period import raise_period
from runs.states import ActionKind, ActionStatus


def raise_budget(
    action: PendingAction, *, user: AbstractBaseUser, arguments: Any = None, note: str = ""
) -> PendingAction:
    """Allow the run to spend as much as was proposed, or as `arguments` say: `{"max_cost_usd": "1.50"}`.

    If what has no room is the budget of a tenant or of all, that one is raised: `{"raise_usd": "1.50"}`.
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
