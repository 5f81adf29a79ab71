"""Resolve an outcome: a person says whether an effect whose result was lost has happened."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs import clock
from runs.engine.unknown_outcome import may_arrive_until
from runs.errors import InvalidInputError, InvalidTransitionError
from runs.models import PendingAction, Step
from runs.operations.actions.decide import Decision, decide, expect, go_on, is_open, lock
from runs.operations.actions.steps import complete_with
from runs.operations.permissions import check_may_decide
from runs.states import ActionKind, ActionStatus, StepStatus
from runs.storable import storable

OUTCOMES = ("happened", "did_not_happen")


def resolve(
    action: PendingAction, *, user: AbstractBaseUser, outcome: str, result: Any = None, note: str = ""
) -> PendingAction:
    """Resolve an effect as `happened`, with its result, or as `did_not_happen`, which runs it again.

    Raises: InvalidInputError; InvalidTransitionError, also while the first call may still arrive; ConflictError;
    NotPermittedError.
    """
    expect(action, "resolve", ActionKind.OUTCOME)
    check_may_decide(action, user)
    if outcome not in OUTCOMES:
        raise InvalidInputError({"outcome": ["must be `happened` or `did_not_happen`"]})
    if outcome == "did_not_happen" and action.status == ActionStatus.OPEN:
        _refuse_while_it_may_arrive(action.step)
    result = storable(result)
    verb = {"verb": "resolve", "outcome": outcome, "result": result}
    decision = Decision(verb, ActionStatus.RESOLVED, note)
    with transaction.atomic():
        _, action = lock(action)
        if not is_open(action, decision):
            return action
        check_may_decide(action, user)
        decided = decide(action, decision, user)
        if outcome == "happened":
            complete_with(decided.step, result)
        else:
            Step.objects.filter(pk=decided.step_id).update(status=StepStatus.PLANNED)
        go_on(decided, user)
    return decided


def _refuse_while_it_may_arrive(step: Step) -> None:
    """Refuse while the first call may still be in flight: until its deadline and a grace have passed."""
    safe_at = may_arrive_until(step)
    if safe_at and clock.now() < safe_at:
        raise InvalidTransitionError(
            f"the first call may still arrive until {safe_at:%Y-%m-%d %H:%M:%S} UTC; then say so again"
        )
