"""Plain jobs: the function is called again from the top, and its named steps return what was recorded.

Names matter, order does not. A step that a dead worker left begun is recovered by its effect class.
"""

from collections.abc import Callable
from typing import Any

from runs.declarations.job_types import Job
from runs.engine.classifier import classify
from runs.engine.context import ToolContext, context_for
from runs.engine.journal import Journal, release_connection
from runs.engine.lease import CancelRequestedError, LeaseLostError, ReleaseRequestedError
from runs.engine.outcomes import Completed, Outcome, Waiting
from runs.engine.results import jsonable
from runs.engine.tool_calls import ask_for_outcome, how_it_was_lost, may_have_happened
from runs.errors import DeadlineError, PermanentError
from runs.fault_points import fault_point, intents_are_committed
from runs.hostile import clean_text
from runs.models import Step
from runs.models.fields import hash_text
from runs.states import Effect, ErrorClass, StepKind, StepStatus
from runs.storable import storable, storable_text

_NAME_MAX_CHARS = 200


class _AwaitDecision(BaseException):
    """Unwind the job's function: a person must decide about one of its steps."""


class StepFailedError(PermanentError):
    """A recorded step failed, or a person refused it."""

    code = "step_failed"


class JobContext(ToolContext):
    """What `run` of a plain job receives: a tool's context, and `step`."""

    journal: Journal
    job: Job

    def step(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        effect: str = "unsafe",
        timeout_s: float = 60.0,
        **kwargs: Any,
    ) -> Any:
        """Do `function(*args, **kwargs)` once and record its result, a JSON value; later, return that.

        Raises: StepFailedError if the step was refused; whatever the function raises.
        """
        return _step(self, name, lambda: function(*args, **kwargs), Effect(effect), timeout_s)


def advance_job(journal: Journal, job: Job) -> Outcome:
    """Call the job's function. Raises: what it raises; `advance` turns errors into outcomes."""
    plain = context_for(
        journal.run, journal.lease, job, tool_use_id="", effect_key=None, attempt=journal.run.attempts + 1
    )
    context = JobContext(**{name: getattr(plain, name) for name in ToolContext.__slots__ if name[0] != "_"})
    context.journal, context.job = journal, job
    try:
        output = job.run(context, **journal.run.input)
    except _AwaitDecision:
        return Waiting()
    _close_what_it_gave_up(journal)
    return Completed(storable(jsonable(output)))


def _close_what_it_gave_up(journal: Journal) -> None:
    """The job may catch the error of a step and go on without it: what may have happened stays visible."""
    for step in journal.steps:
        if step.status == StepStatus.STARTED:
            journal.mark_unknown(step, **how_it_was_lost(step))


def _step(context: JobContext, name: str, function: Callable[[], Any], effect: Effect, timeout_s: float) -> Any:
    journal, name = context.journal, _kept_name(name)
    step = next((s for s in journal.steps if s.name == name), None)
    if step is None:
        step = journal.plan(StepKind.FUNCTION, name, effect=effect)
    if step.status == StepStatus.STARTED:
        _recover(journal, step)
    match step.status:
        case StepStatus.COMPLETED:
            return step.result["value"]
        case StepStatus.FAILED | StepStatus.SKIPPED:
            raise StepFailedError(f"step {name!r}: {(step.error or {}).get('message', 'refused')}")
        case StepStatus.UNKNOWN:
            raise _AwaitDecision
    return _do(context, step, function, timeout_s)


def _kept_name(name: str) -> str:
    """Name a step as its column keeps it. One that does not fit stays unlike all others by its hash."""
    kept = storable_text(name)
    if kept == name and len(name) <= _NAME_MAX_CHARS:
        return name
    return f"{kept[: _NAME_MAX_CHARS - 17]} {hash_text(clean_text(name))[:16]}"


def _recover(journal: Journal, step: Step) -> None:
    lost = how_it_was_lost(step)
    if step.effect in (Effect.READ, Effect.IDEMPOTENT):
        journal.put_back(step, **lost)
    else:
        ask_for_outcome(journal, step, **lost)
        raise _AwaitDecision


def _do(context: JobContext, step: Step, function: Callable[[], Any], timeout_s: float) -> Any:
    journal, lease = context.journal, context.journal.lease
    lease.check_boundary()
    journal.start(step, deadline_s=timeout_s)
    if intents_are_committed():
        journal.commit_intent()
    fault_point("tool.before")
    lease.check()
    lease.begin_step(timeout_s)
    release_connection()
    try:
        value = jsonable(function())
    except (LeaseLostError, CancelRequestedError, ReleaseRequestedError, DeadlineError):
        raise  # raised inside `context.progress`: the engine's own, not the function's
    except Exception as error:
        _after_error(context, step, error)
        raise
    finally:
        lease.end_step()
        release_connection()
    fault_point("tool.after")
    journal.complete(step, {"value": value})
    journal.commit()  # the job's own code runs next, for as long as it likes
    return step.result["value"]


def _after_error(context: JobContext, step: Step, error: Exception) -> None:
    """What may have happened and has no key goes to a person: a step has no look-up. The rest may be tried again."""
    journal, kind = context.journal, classify(error, context.job.errors)
    name, message = type(error).__name__, str(error)
    if not may_have_happened(step, kind):
        journal.put_back(step, kind=name, message=message)
    elif step.effect == Effect.IDEMPOTENT and kind == ErrorClass.TRANSIENT:
        journal.leave_begun(step, kind=name, message=message)
    else:
        ask_for_outcome(journal, step, kind=name, message=message)
        raise _AwaitDecision from error
