"""Decide an action exactly once: what all verbs share.

One transaction writes decision, step, run and event, under the lock of the run's row. The decision itself is one
UPDATE of the action that requires it to be open and not expired, by the database's clock.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q

from runs import clock
from runs.clock import Now
from runs.engine.sleep import wake_from_decision
from runs.errors import ConflictError, InvalidTransitionError
from runs.fault_points import fault_point
from runs.models import PendingAction, Run
from runs.models.moves import Event
from runs.models.pending_action import STAYS_OPEN
from runs.notices.actions import tell_decision
from runs.states import ActionKind, ActionStatus
from runs.storable import storable_text

NOTE_MAX_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: the verb as given, with secrets removed since it is stored, and its result for the action."""

    verb: dict[str, Any]
    status: ActionStatus
    note: str = ""
    columns: dict[str, Any] = field(default_factory=dict)


def expect(action: PendingAction, verb: str, *kinds: ActionKind) -> None:
    """Refuse a verb that does not fit the kind of the action. Raises: InvalidTransitionError."""
    if action.kind not in kinds:
        raise InvalidTransitionError(f"{verb} does not fit an action of kind {action.kind}: {_hint(action)}")


def _hint(action: PendingAction) -> str:
    return f"its verbs are {', '.join(action.verbs)}" if action.verbs else f"it is {action.status}"


def lock(action: PendingAction) -> tuple[Run, PendingAction]:
    """Lock the run of an action; return it and the action's current state. Needs a transaction."""
    run = Run.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=action.run_id)
    present = PendingAction.objects.select_related("step", "decided_by", "rule").get(pk=action.pk)
    present.run = run
    return run, present


def is_open(action: PendingAction, decision: Decision) -> bool:
    """Say whether a locked action may be decided; False if the same decision was already made.

    Raises: ConflictError naming who was faster; InvalidTransitionError if it has expired.
    """
    if action.status == ActionStatus.OPEN:
        if not PendingAction.objects.filter(_in_time(), pk=action.pk).exists():
            raise InvalidTransitionError("the action has expired")
        return True
    if _as_json(action.decision) == _as_json(decision.verb):
        return False
    by = f" by {action.decided_by}" if action.decided_by else " by a rule" if action.rule_id else ""
    raise ConflictError(f"the action was already {action.status}{by}")


def _as_json(value: Any) -> str:
    """Serialise a value for comparison: in Python 1, 1.0 and True are equal. Key order does not matter."""
    return json.dumps(value, sort_keys=True)


def decide(action: PendingAction, decision: Decision, user: AbstractBaseUser) -> PendingAction:
    """Write the decision of an open, locked action; return the updated action.

    Raises: InvalidTransitionError if it expired at this very moment.
    """
    decided = PendingAction.objects.filter(_in_time(), pk=action.pk, status=ActionStatus.OPEN).update(
        status=decision.status,
        decided_at=clock.now(),
        decided_by=user,
        decision=decision.verb,
        note=kept_note(decision.note),
        tell_at=None,
        **decision.columns,
    )
    if not decided:
        raise InvalidTransitionError("the action has expired")
    present = PendingAction.objects.select_related("step", "decided_by", "rule").get(pk=action.pk)
    present.run = action.run
    return present


def _in_time() -> Q:
    return Q(expires_at__isnull=True) | Q(expires_at__gt=Now()) | STAYS_OPEN


def kept_note(note: str) -> str:
    """Make a person's text fit to store."""
    return storable_text(note, NOTE_MAX_CHARS)


def go_on(action: PendingAction, user: AbstractBaseUser, **columns: Any) -> None:
    """Record the decision as an event, and queue the run if it is asleep; a running one notices by itself."""
    run, actor = action.run, user.get_username()
    event = Event(f"action.{action.status}", {"action": str(action.pk), "step": action.step.seq}, actor=actor)
    wake_from_decision(run, event, **columns)
    tell_decision(action)
    fault_point("decide.before")
