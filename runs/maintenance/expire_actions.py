"""Expiring decisions that nobody took: the model is told, and the run goes on."""

from django.db import transaction

from runs.clock import Now
from runs.fault_points import fault_point
from runs.models import PendingAction, Run, Step
from runs.models.fields import hash_of
from runs.models.moves import Event, change
from runs.queue.doorbell import ring
from runs.states import ActionKind, ActionStatus, RunStatus, StepStatus

_TOLD = "Nobody decided in time, so the call was not made."
_NO_ANSWER = {"text": "(no answer)", "end": True}


def expire_actions() -> int:
    """Expire every open action whose time is over. Unknown outcomes have no such time. Returns how many."""
    late = PendingAction.objects.filter(status=ActionStatus.OPEN, expires_at__lte=Now()).select_related("step")
    return sum(_expire(action) for action in late[:200])


@transaction.atomic
def _expire(action: PendingAction) -> bool:
    run = Run.objects.select_for_update().get(pk=action.run_id)
    open_still = PendingAction.objects.filter(pk=action.pk, status=ActionStatus.OPEN)
    if not open_still.update(status=ActionStatus.EXPIRED, decided_at=Now()):
        return False
    events = [Event("action.expired", {"action": str(action.pk)}, actor="timer")]
    if action.kind == ActionKind.QUESTION and not action.tool:
        _end_conversation(run, action, events)
        return True
    if action.kind != ActionKind.BUDGET:
        Step.objects.filter(pk=action.step_id, status=StepStatus.PLANNED).update(
            status=StepStatus.SKIPPED,
            result={"text": _TOLD},
            error={"type": "expired", "message": _TOLD},
            finished_at=Now(),
        )
    _go_on(run, events)
    return True


def _end_conversation(run: Run, action: PendingAction, events: list[Event]) -> None:
    """Nobody answers any more: the conversation is over, as if by a last word."""
    Step.objects.filter(pk=action.step_id).update(
        status=StepStatus.COMPLETED, result=_NO_ANSWER, result_hash=hash_of(_NO_ANSWER), finished_at=Now()
    )
    _go_on(run, events)


def _go_on(run: Run, events: list[Event]) -> None:
    fault_point("expire.before")
    if run.state == RunStatus.WAITING_FOR_CONFIRMATION:
        change(run, to=RunStatus.QUEUED, events=[*events, Event("run.queued", actor="timer")])
        ring([run.queue])
    else:
        change(run, events=events)
