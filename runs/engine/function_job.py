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
from runs.engine.tool_calls import ask_for_outcome
from runs.errors import DeadlineError, PermanentError
from runs.fault_points import fault_point, intents_are_committed
from runs.hostile import clean
from runs.models import Step
from runs.secrets import redact_all
from runs.states import Effect, ErrorClass, StepKind, StepStatus


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
    plain = context_for(journal.run, journal.lease, tool_use_id="", effect_key=None, attempt=journal.run.attempts + 1)
    context = JobContext(**{name: getattr(plain, name) for name in ToolContext.__slots__ if name[0] != "_"})
    context.journal, context.job = journal, job
    try:
        output = job.run(context, **journal.run.input)
    except _AwaitDecision:
        return Waiting()
    return Completed(redact_all(clean(jsonable(output))))


def _step(context: JobContext, name: str, function: Callable[[], Any], effect: Effect, timeout_s: float) -> Any:
    journal = context.journal
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


def _recover(journal: Journal, step: Step) -> None:
    message = "the worker was lost during the step"
    if step.effect in (Effect.READ, Effect.IDEMPOTENT):
        journal.put_back(step, kind="WorkerLost", message=message)
    else:
        ask_for_outcome(journal, step, kind="WorkerLost", message=message)
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
    """A lost unsafe effect goes to a person; otherwise the step may be done again by a retry."""
    journal, kind = context.journal, classify(error, context.job.errors)
    name, message = type(error).__name__, str(error)
    if kind == ErrorClass.UNKNOWN_OUTCOME or (step.effect == Effect.UNSAFE and kind == ErrorClass.TRANSIENT):
        ask_for_outcome(journal, step, kind=name, message=message)
        raise _AwaitDecision from error
    journal.put_back(step, kind=name, message=message)
