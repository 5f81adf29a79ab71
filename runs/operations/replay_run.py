"""Retry and replay: continue a failed run, skip the wait for its next try, or start a new run with other input."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from runs.errors import InvalidTransitionError
from runs.extensions import close_dead_letter_for_retry
from runs.models import Run
from runs.models.moves import Event, transition
from runs.operations.conflicts import take_again
from runs.operations.fork_run import fork_run, why_not_deployed
from runs.operations.permissions import check_may_operate
from runs.operations.post_run import RunRequest, post_run
from runs.states import RunStatus, StepStatus


@transaction.atomic
def retry_run(run: Run, *, user: AbstractBaseUser) -> Run:
    """Continue a failed run after its last good step: same id, same steps, same effect keys.

    A run that waits for its next try starts it now.

    Raises: InvalidTransitionError if it has not failed nor waits for its next try, another run of its key is active, or
    its failure was already dealt with; ConflictError if it has no replays left; NotPermittedError.
    """
    check_may_operate(run, user)
    present = Run.objects.get(pk=run.pk)  # not locked yet: a replay locks the letter before the run
    if present.state == RunStatus.RETRYING:
        return _try_now(run.pk, user)
    if present.state != RunStatus.FAILED:
        raise InvalidTransitionError(
            f"only a run that has failed, or waits for its next try, can be retried; it is {present.status}"
        )
    close_dead_letter_for_retry(run.pk, user)
    return _continue(run.pk, user)


def replay_run(run_id: UUID, user: Any, *, new_input: Any = None, from_step: int | None = None) -> UUID:
    """Replay the run of a dead letter: continue it, fork it from a step, or post it again with other input.

    A new post reuses nothing, so it starts with the definition of this deploy; only a conversation that it continues
    keeps its own.

    Raises: as `retry_run`, `fork_run` and `post_run`.
    """
    if new_input is None and from_step is None:
        return _continue(run_id, user).pk
    former = Run.objects.select_related("tenant").get(pk=run_id)
    if new_input is None or from_step not in (None, 1):
        return fork_run(former, user=user, from_step=from_step or 1, new_input=new_input, origin="replay").pk
    check_may_operate(former, user)
    again = RunRequest.like(former, input=new_input)
    run, _ = post_run(again, tenant=former.tenant, user=user, origin="replay", forked_from=former)
    return run.pk


def _try_now(run_id: UUID, user: AbstractBaseUser) -> Run:
    """Do now what the timer would do later. The try counts as usual, and an open circuit still holds it."""
    run = Run.objects.select_for_update().get(pk=run_id)
    due = run.next_attempt_at
    if run.state != RunStatus.RETRYING or due is None:
        raise InvalidTransitionError(f"the run does not wait for its next try any more; it is {run.status}")
    event = Event("run.queued", {"was_due_at": due.isoformat()}, actor=user.get_username())
    transition(run, to=RunStatus.QUEUED, events=[event])
    return run


@transaction.atomic
def _continue(run_id: UUID, user: AbstractBaseUser) -> Run:
    run = Run.objects.select_for_update().get(pk=run_id)
    check_may_operate(run, user)
    if run.state != RunStatus.FAILED:
        raise InvalidTransitionError(f"only a failed run can be retried; it is {run.status}")
    if refusal := why_not_deployed(run):
        raise InvalidTransitionError(refusal)
    take_again(run)
    actor = user.get_username()
    again = [step.pk for step in run.steps.filter(status=StepStatus.FAILED) if step.failed_its_run]
    run.steps.filter(pk__in=again).update(status=StepStatus.PLANNED, finished_at=None)
    # The effect class decides again about what may have happened, as after any lost worker.
    run.steps.filter(status=StepStatus.UNKNOWN).update(status=StepStatus.STARTED)
    transition(
        run,
        to=RunStatus.QUEUED,
        events=[Event("run.replayed", actor=actor), Event("run.queued", actor=actor)],
        attempts=0,
        failed_tries={},
        crashes=0,
        running_s=0,
        cancel_requested_at=None,
        cancel_gently=False,
        cancellation=None,
    )
    return run
