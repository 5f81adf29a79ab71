"""Cancel a run whose row is locked: at once if no worker holds it, else at the worker's next boundary."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from runs import clock
from runs.clock import Now
from runs.engine.batched import settle_unawaited_charge
from runs.engine.budget_holds import settle_holds
from runs.errors import InvalidTransitionError
from runs.models import ModelCall, ModelCallStatus, PendingAction, Run, Step, Tier
from runs.models.moves import Event, transition
from runs.models.people import ACTOR_MAX_CHARS
from runs.states import FINAL, STEP_DONE, ActionStatus, Effect, RunStatus, StepStatus


def cancel_locked(run: Run, *, actor: str, gently: bool = False) -> None:
    """Cancel a run, or ask its worker to. Idempotent. Needs the lock of its row.

    With `gently`, a call in flight may finish and is recorded; otherwise it is aborted.

    Raises: InvalidTransitionError if it has completed or failed.
    """
    if run.state == RunStatus.CANCELLED:
        return
    if run.state in FINAL or run.state == RunStatus.FAILED:  # also when the request came too late
        raise InvalidTransitionError(f"the run is already {run.status}")
    if run.cancel_requested_at:
        if run.cancel_gently and not gently:
            transition(
                run, cancel_gently=False, events=[Event("run.cancel_requested", {"interrupts": True}, actor=actor)]
            )
        return
    now = clock.now()
    asked: dict[str, Any] = {
        "cancel_requested_at": now,
        "cancel_requested_by": actor[:ACTOR_MAX_CHARS],
        "cancellation": note(run, run.steps.all()),
    }
    events = [Event("run.cancel_requested", {"cost_usd": f"{run.cost_usd:f}"}, actor=actor)]
    if run.state == RunStatus.RUNNING:
        transition(run, events=events, cancel_gently=gently, **asked)
        return
    PendingAction.objects.filter(run=run, status=ActionStatus.OPEN).update(
        status=ActionStatus.CANCELLED, decided_at=now, notify_at=None
    )
    _close_steps(run)
    spent, charged = _presume_spent(run)
    run.cancellation = asked["cancellation"]
    asked |= {"cancellation": note(run, run.steps.all()), "cost_usd": run.cost_usd + spent}
    events += charged
    events.append(Event("run.cancelled", {"spent_after_usd": f"{spent:f}"}, actor=actor))
    transition(run, to=RunStatus.CANCELLED, events=events, **asked)


def _close_steps(run: Run) -> None:
    """Skip planned steps; leave what a dead worker had begun visible as unknown."""
    open_steps = run.steps.exclude(status__in=STEP_DONE)
    open_steps.filter(status=StepStatus.PLANNED).update(status=StepStatus.SKIPPED, finished_at=Now())
    begun = open_steps.filter(status=StepStatus.STARTED)
    begun.filter(effect__in=["", Effect.READ]).update(status=StepStatus.FAILED, finished_at=Now())
    begun.update(status=StepStatus.UNKNOWN)


def _presume_spent(run: Run) -> tuple[Decimal, list[Event]]:
    """Charge the model calls that nobody waits for any more; return their cost and the events to record.

    A call begun by a dead worker costs its reserve; a batch may know better.
    """
    lost = list(ModelCall.objects.filter(run=run, status=ModelCallStatus.STARTED))
    for call in lost:
        if call.tier == Tier.BATCH:
            settle_unawaited_charge(call)
            continue
        ModelCall.objects.filter(pk=call.pk).update(
            status=ModelCallStatus.PRESUMED, cost_usd=call.reserved_usd, error_type="WorkerLost", finished_at=Now()
        )
        Step.objects.filter(pk=call.step_id).update(cost_usd=F("cost_usd") + call.reserved_usd)
        call.cost_usd = call.reserved_usd
    return sum((call.cost_usd for call in lost), Decimal(0)), settle_holds(lost)


_BEGUN = frozenset({StepStatus.STARTED, StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A cancellation as API and console show it. Shape of `last_effect`: {seq, tool, effect_key, status}."""

    requested_at: datetime
    requested_by: str
    last_effect: dict[str, Any] | None
    spent_after_usd: Decimal
    reason: str | None = None  # the error by which its job type discarded it


def is_to_be_cancelled(run: Run) -> bool:
    """Say whether a cancel came after the last boundary: nothing else would end a run that has gone to sleep."""
    return Run.objects.filter(pk=run.pk, cancel_requested_at__isnull=False).exists()


def cancellation_of(run: Run) -> Cancellation | None:
    """Describe the cancellation of a run; None if nobody asked for one."""
    if run.cancel_requested_at is None:
        return None
    noted = run.cancellation or {}
    return Cancellation(
        requested_at=run.cancel_requested_at,
        requested_by=run.cancel_requested_by,
        last_effect=noted.get("last_effect"),
        spent_after_usd=spent_after(run),
        reason=noted.get("reason"),
    )


def spent_after(run: Run) -> Decimal:
    """Return what was spent after the request: by a call in flight, or one that a dead worker had begun."""
    return run.cost_usd - Decimal((run.cancellation or {}).get("cost_usd", run.cost_usd))


def note(run: Run, steps: Iterable[Step]) -> dict[str, Any]:
    """Build what the run stores: its cost at the first request to stop, and its last effect as it is now."""
    noted = run.cancellation or {}
    return noted | {"cost_usd": noted.get("cost_usd", str(run.cost_usd)), "last_effect": last_effect(steps)}


def last_effect(steps: Iterable[Step]) -> dict[str, Any] | None:
    """Name the effect begun last, whatever became of it; reads do not count."""
    begun = [step for step in steps if step.effect not in ("", Effect.READ) and step.status in _BEGUN]
    if not begun:
        return None
    step = max(begun, key=lambda step: (step.fence, step.seq))
    return {"seq": step.seq, "tool": step.name, "effect_key": step.effect_key, "status": str(step.status)}
