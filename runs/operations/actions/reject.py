"""Reject an action: tell the model why and let the run go on; a refused budget fails the run."""

from django.contrib.auth.models import AbstractBaseUser

from runs.clock import Now
from runs.errors import InvalidInputError
from runs.models import PendingAction, Step
from runs.operations.actions.decide import Decision, expect, settle
from runs.operations.permissions import check_may_decide
from runs.states import ActionKind, ActionStatus, StepStatus


def reject(action: PendingAction, *, user: AbstractBaseUser, note: str) -> PendingAction:
    """Reject an action; one person is enough, no matter how many approvals it needs.

    Raises: InvalidInputError without a note; InvalidTransitionError; ConflictError; NotPermittedError.
    """
    expect(action, "reject", ActionKind.APPROVAL, ActionKind.BUDGET, ActionKind.OUTCOME)
    check_may_decide(action, user)
    if not note.strip():
        raise InvalidInputError({"note": ["say why: the model reads it"]})
    message = f"Refused by a person: {note.strip()}"

    def skip_step(decided: PendingAction) -> None:
        if decided.kind != ActionKind.BUDGET:
            Step.objects.filter(pk=decided.step_id).update(
                status=StepStatus.SKIPPED,
                result={"text": message},
                error={"type": "rejected", "message": message},
                finished_at=Now(),
            )

    return settle(action, Decision({"verb": "reject"}, ActionStatus.REJECTED, note), user, skip_step)
