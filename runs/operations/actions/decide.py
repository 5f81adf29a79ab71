"""Decide an action exactly once: what all verbs share.

One transaction writes decision, step, run and event, under the lock of the run's row. The decision itself is one
UPDATE of the action that requires it to be open and not expired, by the database's clock.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from runs import clock
from runs.clock import Now
from runs.engine.sleep import wake_after_action
from runs.errors import ConflictError, InvalidTransitionError
from runs.fault_points import fault_point
from runs.models import PendingAction, Run, Step
from runs.models.fields import hash_of
from runs.models.moves import Event
from runs.models.pending_action import STAYS_OPEN
from runs.notices.actions import mail_decision
from runs.operations.permissions import check_may_decide
from runs.states import ActionKind, ActionStatus, StepStatus
from runs.storable import storable, storable_note


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: the verb as given, with secrets removed since it is stored, and its result for the action."""

    verb: dict[str, Any]
    status: ActionStatus
    note: str = ""


def expect(action: PendingAction, verb: str, *kinds: ActionKind) -> None:
    """Refuse a verb that does not fit the kind of the action. Raises: InvalidTransitionError."""
    if action.kind not in kinds:
        hint = f"its verbs are {', '.join(action.verbs)}" if action.verbs else f"it is {action.status}"
        raise InvalidTransitionError(f"{verb} does not fit an action of kind {action.kind}: {hint}")


def settle(
    action: PendingAction, decision: Decision, user: AbstractBaseUser, apply: Callable[[PendingAction], None]
) -> PendingAction:
    """Decide an action; `apply` then changes its step. Deciding again in the same way changes nothing.

    Raises: as `is_open` and `decide`; NotPermittedError.
    """
    with transaction.atomic():
        action = lock(action)
        if not is_open(action, decision):
            return action
        check_may_decide(action, user)
        decided = decide(action, decision, user)
        apply(decided)
        go_on(decided, user)
    return decided


def lock(action: PendingAction) -> PendingAction:
    """Lock the run of an action; return the action's current state. Needs a transaction."""
    run = Run.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=action.run_id)
    return _present(action, run)


def _present(action: PendingAction, run: Run) -> PendingAction:
    present = PendingAction.objects.select_related("step", "decided_by", "rule").get(pk=action.pk)
    present.run = run
    return present


def is_open(action: PendingAction, decision: Decision) -> bool:
    """Say whether a locked action may be decided; False if the same decision was already made.

    Raises: ConflictError naming who was faster; InvalidTransitionError if it has expired.
    """
    if action.status == ActionStatus.OPEN:
        if not PendingAction.objects.filter(_in_time(), pk=action.pk).exists():
            raise InvalidTransitionError("the action has expired")
        return True
    # Compared as JSON: in Python 1, 1.0 and True are equal.
    if json.dumps(action.decision, sort_keys=True) == json.dumps(decision.verb, sort_keys=True):
        return False
    by = f" by {action.decided_by}" if action.decided_by else " by a rule" if action.rule_id else ""
    raise ConflictError(f"the action was already {action.status}{by}")


def decide(action: PendingAction, decision: Decision, user: AbstractBaseUser) -> PendingAction:
    """Write the decision of an open, locked action; return the updated action.

    Raises: InvalidTransitionError if it expired at this very moment.
    """
    decided = PendingAction.objects.filter(_in_time(), pk=action.pk, status=ActionStatus.OPEN).update(
        status=decision.status,
        decided_at=clock.now(),
        decided_by=user,
        decision=decision.verb,
        note=storable_note(decision.note),
        notify_at=None,
    )
    if not decided:
        raise InvalidTransitionError("the action has expired")
    return _present(action, action.run)


def _in_time() -> Q:
    return Q(expires_at__isnull=True) | Q(expires_at__gt=Now()) | STAYS_OPEN


def complete_step(step: Step, result: dict[str, Any]) -> None:
    """Record a person's answer as the result of the step."""
    result = storable(result)
    Step.objects.filter(pk=step.pk).update(
        status=StepStatus.COMPLETED, result=result, result_hash=hash_of(result), error=None, finished_at=Now()
    )


def go_on(action: PendingAction, user: AbstractBaseUser, **columns: Any) -> None:
    """Record the decision as an event, and queue the run if it is asleep; a running one notices by itself."""
    run, actor = action.run, user.get_username()
    event = Event(f"action.{action.status}", {"action": str(action.pk), "step": action.step.seq}, actor=actor)
    wake_after_action(run, event, **columns)
    mail_decision(action)
    fault_point("decide.before")
