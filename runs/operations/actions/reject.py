"""Reject an action: tell the model why and let the run go on; a refused budget fails the run."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs.errors import InvalidInputError
from runs.models import PendingAction
from runs.operations.actions.decide import Decision, decide, expect, go_on, is_open, lock
from runs.operations.actions.steps import skip_step
from runs.operations.permissions import check_may_decide
from runs.states import ActionKind, ActionStatus


def reject(action: PendingAction, *, user: AbstractBaseUser, note: str) -> PendingAction:
    """Reject an action; one person is enough, no matter how many approvals it needs.

    Raises: InvalidInputError without a note; InvalidTransitionError; ConflictError; NotPermittedError.
    """
    expect(action, "reject", ActionKind.APPROVAL, ActionKind.BUDGET, ActionKind.OUTCOME)
    check_may_decide(action, user)
    if not note.strip():
        raise InvalidInputError({"note": ["say why: the model reads it"]})
    decision = Decision({"verb": "reject"}, ActionStatus.REJECTED, note)
    with transaction.atomic():
        _, action = lock(action)
        if not is_open(action, decision):
            return action
        check_may_decide(action, user)
        decided = decide(action, decision, user)
        if decided.kind != ActionKind.BUDGET:
            skip_step(decided.step, f"Refused by a person: {note.strip()}")
        go_on(decided, user)
    return decided
