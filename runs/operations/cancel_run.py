"""Cancelling a run: at once if nobody works on it, at the next boundary if a worker does."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from runs import clock
from runs.clock import Now
from runs.engine.cancellation import note
from runs.errors import InvalidTransitionError
from runs.models import ModelCall, ModelCallStatus, PendingAction, Run, Step
from runs.models.moves import Event, change
from runs.operations.roles import check_may_operate
from runs.states import FINAL, STEP_DONE, ActionStatus, Effect, RunStatus, StepStatus


@transaction.atomic
def cancel_run(run: Run, *, user: AbstractBaseUser) -> Run:
    """Cancel a run, or ask its worker to; repeating it is harmless.

    Raises: InvalidTransitionError if it has completed or failed; NotPermittedError.
    """
    check_may_operate(run, user)
    actor = user.get_username()
    run = Run.objects.select_for_update().get(pk=run.pk)
    if run.state == RunStatus.CANCELLED:
        return run
    if run.state in FINAL or run.state == RunStatus.FAILED:  # also when it was asked for and came too late
        raise InvalidTransitionError(f"the run is already {run.status}")
    if run.cancel_requested_at:
        return run
    now = clock.now()
    asked: dict[str, Any] = {
        "cancel_requested_at": now,
        "cancel_requested_by": actor,
        "cancellation": note(run, run.steps.all()),
    }
    events = [Event("run.cancel_requested", {"cost_usd": f"{run.cost_usd:f}"}, actor=actor)]
    if run.state == RunStatus.RUNNING:
        change(run, events=events, **asked)
        return run
    PendingAction.objects.filter(run=run, status=ActionStatus.OPEN).update(
        status=ActionStatus.CANCELLED, decided_at=now
    )
    _close_steps(run)
    spent = _presume_spent(run)
    run.cancellation = asked["cancellation"]
    asked |= {"cancellation": note(run, run.steps.all()), "cost_usd": run.cost_usd + spent}
    events.append(Event("run.cancelled", {"spent_after_usd": f"{spent:f}"}, actor=actor))
    change(run, to=RunStatus.CANCELLED, events=events, **asked)
    return run


def _close_steps(run: Run) -> None:
    """Skip what was planned; what a dead worker had begun stays visible as unknown."""
    open_steps = run.steps.exclude(status__in=STEP_DONE)
    open_steps.filter(status=StepStatus.PLANNED).update(status=StepStatus.SKIPPED, finished_at=Now())
    begun = open_steps.filter(status=StepStatus.STARTED)
    begun.filter(effect__in=["", Effect.READ]).update(status=StepStatus.FAILED, finished_at=Now())
    begun.update(status=StepStatus.UNKNOWN)


def _presume_spent(run: Run) -> Decimal:
    """Count the reserve of model calls that a dead worker had begun; return how much that is."""
    spent = Decimal(0)
    for call in ModelCall.objects.filter(run=run, status=ModelCallStatus.STARTED):
        ModelCall.objects.filter(pk=call.pk).update(
            status=ModelCallStatus.PRESUMED, cost_usd=call.reserved_usd, error_type="WorkerLost", finished_at=Now()
        )
        Step.objects.filter(pk=call.step_id).update(cost_usd=F("cost_usd") + call.reserved_usd)
        spent += call.reserved_usd
    return spent
