"""What a cancelled run shows: when and by whom it was asked to stop, its last effect, and what was spent after."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from runs.models import Run, Step
from runs.states import Effect, StepStatus

_BEGUN = frozenset({StepStatus.STARTED, StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The facts, as API and console show them. Shape of `last_effect`: {seq, tool, effect_key, status}."""

    requested_at: datetime
    requested_by: str
    last_effect: dict[str, Any] | None
    spent_after_usd: Decimal
    reason: str | None = None  # the error by which its job type discarded it


def is_to_be_cancelled(run: Run) -> bool:
    """Say whether a cancel came after the last boundary: nobody else would end a run that has gone to sleep."""
    return Run.objects.filter(pk=run.pk, cancel_requested_at__isnull=False).exists()


def cancellation_of(run: Run) -> Cancellation | None:
    """Say how the cancelling of a run went, or goes; None if nobody asked."""
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
    """Say what was spent after the request: a call in flight, or one that a dead worker had begun."""
    return run.cost_usd - Decimal((run.cancellation or {}).get("cost_usd", run.cost_usd))


def note(run: Run, steps: Iterable[Step]) -> dict[str, Any]:
    """Build what the run keeps: its cost when it was first asked to stop, and its last effect as it is now."""
    noted = run.cancellation or {}
    return noted | {"cost_usd": noted.get("cost_usd", str(run.cost_usd)), "last_effect": last_effect(steps)}


def last_effect(steps: Iterable[Step]) -> dict[str, Any] | None:
    """Name the effect that was begun last, whatever became of it; reads are none."""
    begun = [step for step in steps if step.effect not in ("", Effect.READ) and step.status in _BEGUN]
    if not begun:
        return None
    step = max(begun, key=lambda step: (step.fence, step.seq))
    return {"seq": step.seq, "tool": step.name, "effect_key": step.effect_key, "status": str(step.status)}
