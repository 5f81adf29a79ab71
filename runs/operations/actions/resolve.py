"""Resolve an outcome: a person says whether an effect whose result was lost has happened."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from runs import clock
from runs.conf import conf
from runs.engine.unknown_outcome import may_arrive_until
from runs.errors import InvalidInputError, InvalidTransitionError
from runs.models import PendingAction, Step
from runs.models.fields import dump_json
from runs.operations.actions.decide import Decision, complete_step, expect, settle
from runs.operations.permissions import check_may_decide
from runs.sanitize import cut
from runs.states import ActionKind, ActionStatus, StepStatus
from runs.storable import storable


def resolve(
    action: PendingAction, *, user: AbstractBaseUser, outcome: str, result: Any = None, note: str = ""
) -> PendingAction:
    """Resolve an effect as `happened`, with its result, or as `did_not_happen`, which runs it again.

    Raises: InvalidInputError; InvalidTransitionError, also while the first call may still arrive; ConflictError;
    NotPermittedError.
    """
    expect(action, "resolve", ActionKind.OUTCOME)
    check_may_decide(action, user)
    if outcome not in ("happened", "did_not_happen"):
        raise InvalidInputError({"outcome": ["must be `happened` or `did_not_happen`"]})
    if outcome == "did_not_happen" and action.status == ActionStatus.OPEN:
        safe_at = may_arrive_until(action.step)
        if safe_at and clock.now() < safe_at:
            raise InvalidTransitionError(
                f"the first call may still arrive until {safe_at:%Y-%m-%d %H:%M:%S} UTC; then say so again"
            )
    result = storable(result)

    def apply(decided: PendingAction) -> None:
        if outcome == "happened":
            complete_step(decided.step, _as_result(decided.step, result))
        else:
            Step.objects.filter(pk=decided.step_id).update(status=StepStatus.PLANNED)

    verb = {"verb": "resolve", "outcome": outcome, "result": result}
    return settle(action, Decision(verb, ActionStatus.RESOLVED, note), user, apply)


def _as_result(step: Step, result: Any) -> dict[str, Any]:
    """Shape a result as the step stores it: a text for the model, or the value of a job's own step."""
    if not step.tool_use_id:
        return {"value": result}
    return {"text": cut(result if isinstance(result, str) else dump_json(result), conf().text_max_chars)}
