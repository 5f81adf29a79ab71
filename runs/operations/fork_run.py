"""Fork a run: start a new one that reuses the steps of an ended run up to a point and runs the rest again."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs.declarations.catalog import job_type_named
from runs.declarations.job_types import JobType
from runs.engine.offered_tools import inherited
from runs.errors import InvalidInputError, InvalidTransitionError, UnknownJobTypeError
from runs.models import Run, Step
from runs.models.moves import begin
from runs.operations.client_values import fit
from runs.operations.permissions import check_may_operate
from runs.operations.post_run import Intake, RunRequest, new_run
from runs.states import ENDED, STEP_DONE, StepKind

_COPIED = (
    *("seq", "kind", "name", "status", "tool_use_id", "effect", "arguments", "arguments_hash"),
    *("result", "result_hash", "error", "started_at", "finished_at"),
)


@transaction.atomic
def fork_run(run: Run, *, user: AbstractBaseUser, from_step: int, new_input: Any = None, origin: str = "fork") -> Run:
    """Start a run that reuses the steps before `from_step` and runs the rest again.

    Inside a turn it goes back to the turn's start, since a model's answer and its tool calls belong together. The fork
    keeps the definition, the budget and the limits of the original, pays only for its own steps, and owns no effect of
    a reused step.

    Raises: InvalidTransitionError if the run has not ended, or the outcome of a reused step is unknown;
    InvalidInputError naming `from_step` or `input`; NotPermittedError.
    """
    check_may_operate(run, user)
    run = Run.objects.select_for_update(of=("self",)).select_related("tenant", "continues").get(pk=run.pk)
    if run.state not in ENDED:
        raise InvalidTransitionError(f"only a run that has ended can be forked; it is {run.status}: cancel it first")
    if refusal := why_not_deployed(run):
        raise InvalidTransitionError(refusal)
    reused = steps_before(list(run.steps.order_by("seq")), from_step)
    if refusal := why_not_reused(reused):
        raise InvalidTransitionError(refusal)
    job_type = job_type_named(run.job_type)
    given = _input(run, job_type, new_input, from_step)
    intake = Intake(tenant=run.tenant, user=user, origin=origin, forked_from=run)
    fork = new_run(RunRequest.like(run, input=given), job_type, given, intake)
    fork.continues, fork.definition = run.continues, inherited(run.definition, fork)
    # A step is copied with its result, but not its cost, nor its effect key: the effect belongs to the original.
    copies = [
        Step(run=fork, reused_from=step.reused_from or step.pk, **{name: getattr(step, name) for name in _COPIED})
        for step in reused
    ]
    begin(fork, steps=copies, actor=user.get_username())
    return fork


def steps_before(steps: Sequence[Step], from_step: int) -> Sequence[Step]:
    """Select the steps that a fork reuses: those before the turn of `from_step`.

    Raises: InvalidInputError if there is no such step.
    """
    if not 1 <= from_step <= max(1, len(steps)):
        raise InvalidInputError({"from_step": [f"give a number from 1 to {max(1, len(steps))}: the run's steps"]})
    asked = [step.seq for step in steps if step.kind == StepKind.MODEL_CALL and step.seq <= from_step]
    start = max(asked, default=from_step)
    return [step for step in steps if step.seq < start]


def why_not_reused(steps: Sequence[Step]) -> str:
    """Say why these steps cannot be reused; empty if they can. Each must have ended with a known outcome."""
    undone = next((step for step in steps if step.status not in STEP_DONE), None)
    if undone is None:
        return ""
    return (
        f"step {undone.seq} ({undone.name}) is {undone.status}: whether it happened is not known, so it can be neither "
        f"reused nor repeated. Fork from a step before it, or retry the run, which asks a person about it"
    )


def why_not_deployed(run: Run) -> str:
    """Say why no run of this job type can start or continue; empty if one can."""
    try:
        job_type_named(run.job_type)
    except UnknownJobTypeError as error:
        return f"{error}, so nothing could work on the run; deploy it again first"
    return ""


def _input(run: Run, job_type: JobType, new_input: Any, from_step: int) -> Any:
    """Choose the fork's input. The original input is not validated again, which could change the transcript."""
    if new_input is None:
        return run.input
    if from_step != 1:
        raise InvalidInputError({"input": ["new input needs `from_step` 1: the steps recorded answer the old one"]})
    return job_type.validate_input(fit("input", new_input))
