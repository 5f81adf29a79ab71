"""Plain jobs: the function is called again from the top, and its named steps return what was recorded.

Names matter, order does not. A step that a dead worker left begun is recovered by its effect class.
"""

import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from runs.declarations.job_types import Job
from runs.engine.classifier import classify
from runs.engine.context import ToolContext, context_for
from runs.engine.journal import Journal, release_connection
from runs.engine.outcomes import Completed, Outcome, Waiting
from runs.engine.perform import perform, run_code, words_for
from runs.engine.recovery import recover_effect
from runs.engine.results import check_output
from runs.engine.unknown_outcome import how_it_was_lost, leave_in_doubt, may_have_happened
from runs.errors import PermanentError
from runs.models import Step
from runs.models.fields import hash_text
from runs.sanitize import clean_text
from runs.states import Effect, ErrorClass, StepKind, StepStatus
from runs.storable import storable, storable_text
from runs.user_code.call import Raised, Returned, value_of
from runs.user_code.event_loop import as_engine
from runs.user_code.left_open import transaction_is_open

_NAME_MAX_CHARS = 200


class _AwaitDecision(BaseException):
    """Unwinds the job's function: a person must decide about one of its steps."""


class StepFailedError(PermanentError):
    """A recorded step failed, or a person refused it."""

    code = "step_failed"


class StepPlaceError(PermanentError):
    """A step was begun where the engine cannot record it."""

    code = "step_place"


@dataclass(frozen=True, slots=True)
class _StepCall:
    """What a step calls, and in which context of the job."""

    function: Callable[[], Any]
    effect: Effect
    timeout_s: float
    context: Context


class JobContext(ToolContext):
    """What `run` of a plain job receives: a tool's context, and `step`."""

    journal: Journal
    job: Job
    thread: int
    unwinding: BaseException | None = None  # the engine's own exception passing through the job's code

    def step(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        effect: str = "unsafe",
        timeout_s: float = 60.0,
        **kwargs: Any,
    ) -> Any:
        """Call `function(*args, **kwargs)` once and record its result, a JSON value; return the record from then on.

        The function may be asynchronous; `step` waits for it, in an asynchronous job too.
        Raises: StepFailedError if the step was refused; StepPlaceError where nothing can be recorded; whatever the
        function raises.
        """
        self._check_place(name)
        call = _StepCall(partial(function, *args, **kwargs), Effect(effect), timeout_s, copy_context())
        try:
            ended = as_engine(lambda: _step(self, name, call))
        except BaseException as error:
            if not isinstance(error, Exception):
                self.unwinding = error
            raise
        if isinstance(ended, Raised):
            raise ended.error
        return ended.value

    def _check_place(self, name: str) -> None:
        if threading.get_ident() != self.thread:
            raise StepPlaceError(
                f"step {name!r} was begun on a thread of the job's own: call `context.step` from `run` itself, in an "
                "`async def run` too, without `sync_to_async`"
            )
        if transaction_is_open():
            raise StepPlaceError(
                f"step {name!r} was begun inside a transaction, where it cannot be recorded before it is done: end "
                "the transaction first, or open it inside the step"
            )


def advance_job(journal: Journal, job: Job) -> Outcome:
    """Call the job's function. Raises: what it raises; `advance` turns errors into outcomes."""
    plain = context_for(
        journal.run, journal.lease, job, tool_use_id="", effect_key=None, attempt=journal.run.attempts + 1
    )
    context = JobContext(**{name: getattr(plain, name) for name in ToolContext.__slots__ if name[0] != "_"})
    context.journal, context.job, context.thread = journal, job, threading.get_ident()
    ended = run_code(journal.lease, lambda: job.run(context, **journal.run.input))
    if isinstance(context.unwinding, _AwaitDecision):
        return Waiting()
    if context.unwinding:
        raise context.unwinding
    output = value_of(ended, of="`run`")
    _close_what_it_gave_up(journal)
    check_output(job, output, what=f"what {type(job).__qualname__}.run returned")
    return Completed(storable(output))


def _close_what_it_gave_up(journal: Journal) -> None:
    """Close the steps whose error the job caught and went on without: what may have happened stays visible."""
    for step in journal.steps:
        if step.status == StepStatus.STARTED:
            journal.mark_in_doubt(step, **how_it_was_lost(step))


def _step(context: JobContext, name: str, call: _StepCall) -> Returned | Raised:
    journal, name = context.journal, _kept_name(name)
    step = next((s for s in journal.steps if s.name == name), None)
    if step is None:
        step = journal.plan(StepKind.FUNCTION, name, effect=call.effect)
    if step.status == StepStatus.STARTED:
        recover_effect(journal, step)
    match step.status:
        case StepStatus.COMPLETED:
            return Returned(step.result["value"])
        case StepStatus.FAILED | StepStatus.SKIPPED:
            raise StepFailedError(f"step {name!r}: {(step.error or {}).get('message', 'refused')}")
        case StepStatus.UNKNOWN:
            raise _AwaitDecision
    return _do(context, step, call)


def _kept_name(name: str) -> str:
    """Fit a step's name into its column. A longer name is cut and kept unique by its hash."""
    kept = storable_text(name)
    if kept == name and len(name) <= _NAME_MAX_CHARS:
        return name
    return f"{kept[: _NAME_MAX_CHARS - 17]} {hash_text(clean_text(name))[:16]}"


def _do(context: JobContext, step: Step, call: _StepCall) -> Returned | Raised:
    journal = context.journal
    journal.lease.check_boundary()
    ended = perform(journal, step, call.function, timeout_s=call.timeout_s, context=call.context)
    if isinstance(ended, Raised):
        _after_error(context, step, ended.error)
        return ended
    journal.complete(step, {"value": ended.value})
    journal.commit()
    release_connection()  # the job's own code runs next, for any length of time
    return Returned(step.result["value"])


def _after_error(context: JobContext, step: Step, error: BaseException) -> None:
    """Ask a person about what may have happened and has no effect key: a step has no look-up. Retry the rest."""
    journal, kind = context.journal, classify(error, context.job.errors)
    named = words_for(error)
    if not may_have_happened(step, error, kind):
        journal.reset_to_planned(step, **named)
        return
    may_repeat = step.effect == Effect.IDEMPOTENT and kind == ErrorClass.TRANSIENT
    if leave_in_doubt(journal, step, may_repeat=may_repeat, **named):
        raise _AwaitDecision from error
