"""Answer a question of a tool, or of an agent that converses."""

from django.contrib.auth.models import AbstractBaseUser

from runs.declarations.schema import BLANK
from runs.errors import InvalidInputError, InvalidTransitionError
from runs.models import PendingAction, Run
from runs.operations.actions.decide import Decision, complete_step, expect, settle
from runs.operations.permissions import check_may_decide
from runs.states import ActionKind, ActionStatus
from runs.storable import storable_text


def answer(action: PendingAction, *, user: AbstractBaseUser, text: str, end: bool = False) -> PendingAction:
    """Answer a question. With `end`, complete the run without asking the model again.

    Raises: InvalidInputError; InvalidTransitionError; ConflictError; NotPermittedError.
    """
    expect(action, "answer", ActionKind.QUESTION)
    check_may_decide(action, user)
    if end and action.tool:
        raise InvalidInputError({"end": ["the question was asked by a tool, whose answer the model awaits"]})
    text = storable_text(text)
    if not text.strip():
        raise InvalidInputError({"text": [BLANK]})
    decision = Decision({"verb": "answer", "text": text, "end": end}, ActionStatus.ANSWERED)
    result = {"text": text} | ({"end": True} if end else {})
    return settle(action, decision, user, lambda decided: complete_step(decided.step, result))


def send_message(run: Run, *, user: AbstractBaseUser, text: str, end: bool = False) -> PendingAction:
    """Answer the question that a run has asked.

    Raises: InvalidTransitionError if there is no open question; as `answer`.
    """
    questions = PendingAction.objects.filter(run=run, kind=ActionKind.QUESTION, status=ActionStatus.OPEN)
    action = questions.select_related("step", "run").order_by("requested_at").first()
    if action is None:
        raise InvalidTransitionError(f"the run has no open question; it is {run.status}")
    return answer(action, user=user, text=text, end=end)
