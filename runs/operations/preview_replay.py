"""Preview a replay: steps reused, effects that could be repeated, and the estimated cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from typing import Any
from uuid import UUID

from django.db.models import Avg

from runs.errors import InvalidInputError
from runs.models import ModelCall, ModelCallStatus, Run, Step
from runs.operations.conflicts import why_not_again
from runs.operations.fork_run import steps_before, why_not_deployed, why_not_reused
from runs.states import ENDED, STEP_DONE, Effect, RunStatus, StepKind, StepStatus

_UNIT = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class ReplayPreview:
    """What a replay would do. Steps are numbers in the run that failed; effects are `{seq, tool, effect_key}`."""

    reused: list[int]  # steps whose recorded results are reused
    runs_again: list[int]  # recorded steps that run again
    effects_done: list[dict[str, Any]]  # happened, and are not repeated
    effects_unknown: list[dict[str, Any]]  # may have happened: a person must check first
    effects_repeated: list[dict[str, Any]] = field(default_factory=list)  # happened, and would happen again
    estimated_cost_usd: Decimal = Decimal(0)  # of the missing steps, by the run's average so far
    refusal: str = ""  # why the run cannot be replayed, if it cannot


_Plan = tuple[Sequence[Step], Sequence[Step], str]  # the steps kept, those that run again, and why it is refused


def preview_replay(run_id: UUID, *, new_input: Any = None, from_step: int | None = None) -> ReplayPreview:
    """Say what `replay_run` would do with the same arguments. Changes nothing.

    Raises: InvalidInputError if there is no such step.
    """
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        return ReplayPreview([], [], [], [], refusal="the run is gone")
    steps = list(run.steps.order_by("seq"))
    if new_input is None and from_step is None:
        kept, again, refusal = _continued(run, steps)
    else:
        kept, again, refusal = _forked(run, steps, new_input, from_step)
    return ReplayPreview(
        reused=[step.seq for step in kept],
        runs_again=[step.seq for step in again],
        effects_done=_effects(kept, StepStatus.COMPLETED),
        effects_unknown=_effects(steps, StepStatus.UNKNOWN, StepStatus.STARTED),
        effects_repeated=_effects(again, StepStatus.COMPLETED),
        estimated_cost_usd=_estimate(run, again),
        refusal=refusal,
    )


def _continued(run: Run, steps: Sequence[Step]) -> _Plan:
    """Plan to continue the same run: done steps stay, and a person is asked about unknown ones."""
    again = [step for step in steps if step.status == StepStatus.PLANNED or step.failed_its_run]
    kept = [step for step in steps if step.status in STEP_DONE and step not in again]
    if run.state != RunStatus.FAILED:
        return kept, again, f"only a failed run goes on; it is {run.status}"
    return kept, again, why_not_deployed(run) or why_not_again(run)


def _forked(run: Run, steps: Sequence[Step], new_input: Any, from_step: int | None) -> _Plan:
    """Plan a new run: with the steps before the turn of `from_step`, or without any if the input is new."""
    if new_input is not None and from_step not in (None, 1):
        raise InvalidInputError({"from_step": ["must be 1 for new input: the steps recorded answer the old one"]})
    kept = steps_before(steps, from_step or 1)
    ended = "" if run.state in ENDED else f"only a run that has ended can be forked; it is {run.status}"
    return kept, steps[len(kept) :], ended or why_not_deployed(run) or why_not_reused(kept)


def _effects(steps: Sequence[Step], *statuses: StepStatus) -> list[dict[str, Any]]:
    return [
        {"seq": step.seq, "tool": step.name, "effect_key": step.effect_key}
        for step in steps
        if step.effect not in ("", Effect.READ) and step.status in statuses
    ]


def _estimate(run: Run, again: Sequence[Step]) -> Decimal:
    """Multiply the average cost of the run's model calls, or the original's if a fork has made none, by those missing.

    How many will follow is unknown: an agent asks at least once more after its tool calls, so at least one.
    """
    missing = sum(step.kind == StepKind.MODEL_CALL for step in again)
    for pk in filter(None, (run.pk, run.forked_from_id)):
        answered = ModelCall.objects.filter(run=pk, status=ModelCallStatus.SETTLED).order_by()
        average = answered.aggregate(average=Avg("cost_usd"))["average"]
        if average is not None:
            return (Decimal(average) * max(1, missing)).quantize(_UNIT, rounding=ROUND_UP)
    return Decimal(0)
