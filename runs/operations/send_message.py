"""Messages to a run: they answer its open question."""

from django.contrib.auth.models import AbstractBaseUser

from runs.errors import InvalidTransitionError
from runs.models import PendingAction, Run
from runs.operations.actions.answer import answer
from runs.states import ActionKind, ActionStatus


def send_message(run: Run, *, user: AbstractBaseUser, text: str, end: bool = False) -> PendingAction:
    """Answer the question that a run has asked.

    Raises: InvalidTransitionError if it has asked none; as `answer`.
    """
    action = (
        PendingAction.objects.filter(run=run, kind=ActionKind.QUESTION, status=ActionStatus.OPEN)
        .select_related("step", "run")
        .order_by("requested_at")
        .first()
    )
    if action is None:
        raise InvalidTransitionError(f"the run has no open question; it is {run.status}")
    return answer(action, user=user, text=text, end=end)
