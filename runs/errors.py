"""The errors of runs.

RunsError
├── DeclarationError            an agent, job or tool is declared wrongly
├── InvalidTransitionError      the verb does not fit the present status (409)
│   └── StaleRunError           somebody else was faster, or the lease is lost
├── InvalidInputError           a field does not fit; names it (422)
├── NotSupportedError           a documented field that is not built yet (422)
├── ConflictError               the key or the action was used for something else (409, 422)
├── NotPermittedError           the caller may not do this (403)
├── TransientError              may be retried
│   ├── RateLimitedError        may be retried, not before `retry_after_s`
│   ├── StepTimeoutError        a step took longer than its `timeout_s`
│   ├── ModelTimeoutError       a model call took longer than `model_timeout_s`
│   └── BrokenStreamError       an answer that ended without a stop reason
├── HeldBackError               the gate of a model is shut: go on later
├── UnknownOutcomeError         an effect may or may not have happened
└── PermanentError              must not be retried
    ├── UnknownJobTypeError     no such declaration in this deploy
    ├── PermissionDeniedError   owner or tenant was disabled
    ├── UnknownPriceError       the model has no price, so it is not asked
    ├── StepLimitError          more model calls than `max_steps`
    ├── DeadlineError           more time under a lease than `timeout_s`
    ├── CrashLoopError          the same step killed its workers
    ├── ModelRefusedError       the model stopped with `refusal`
    ├── ModelStoppedError       a stop reason nobody can continue from
    ├── BudgetRefusedError      a person refused to spend more
    └── OutputInvalidError      the answer does not fit `output_schema`

ToolError                       raised by tools: the model is told, the run goes on
"""

from collections.abc import Mapping, Sequence


class RunsError(Exception):
    """Base of all errors of this app. `code` is stable and shown to clients."""

    code = "error"


class DeclarationError(RunsError):
    """An agent, job or tool is declared wrongly; `hint` says what to write instead."""

    code = "declaration"

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class InvalidTransitionError(RunsError):
    """The verb does not fit the present status."""

    code = "wrong_state"


class StaleRunError(InvalidTransitionError):
    """Somebody else moved the run first, or the lease is lost: the caller stops."""

    code = "stale"


class InvalidInputError(RunsError):
    """One or more fields do not fit. `errors` maps each field to what is wrong with it."""

    code = "invalid"

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        self.errors = {field: list(problems) for field, problems in errors.items()}
        super().__init__("; ".join(f"{field}: {' '.join(p)}" for field, p in self.errors.items()))


class NotSupportedError(InvalidInputError):
    """A documented field that is not built yet: refused rather than ignored."""

    code = "not_supported"


class ConflictError(RunsError):
    """The key was used before with another body, or the action was decided otherwise."""

    code = "conflict"


class NotPermittedError(RunsError):
    """The caller may not do this."""

    code = "forbidden"


class TransientError(RunsError):
    """It may succeed when tried again."""

    code = "transient"


class RateLimitedError(TransientError):
    """The other side asks for a pause. Units: `retry_after_s` in seconds, None if it did not say."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StepTimeoutError(TransientError):
    """A step took longer than its `timeout_s`; told to a tool that reports its progress."""

    code = "step_timeout"


class ModelTimeoutError(TransientError):
    """A whole model call took longer than `model_timeout_s`."""

    code = "model_timeout"


class BrokenStreamError(TransientError):
    """The stream ended without a stop reason, or broke off: the answer must not be used."""

    code = "broken_stream"


class HeldBackError(RunsError):
    """The gate of a model is shut: the run gives its slot back and goes on when it is opened. No failed try."""

    code = "held_back"

    def __init__(self, message: str, *, gate_id: int | None = None) -> None:
        super().__init__(message)
        self.gate_id = gate_id


class UnknownOutcomeError(RunsError):
    """An effect may or may not have happened; raised by tools that cannot tell."""

    code = "unknown_outcome"


class PermanentError(RunsError):
    """Trying again cannot help."""

    code = "permanent"


class UnknownJobTypeError(PermanentError):
    """No such job type is declared in this deploy."""

    code = "unknown_job_type"


class PermissionDeniedError(PermanentError):
    """The owner or the tenant was disabled after the run was posted."""

    code = "permission_denied"


class UnknownPriceError(PermanentError):
    """The model has no known price, so it is not asked."""

    code = "unknown_price"


class StepLimitError(PermanentError):
    """The run needed more model calls than its job type allows."""

    code = "max_steps"


class DeadlineError(PermanentError):
    """The run spent more time under a lease than its `timeout_s`."""

    code = "timeout"


class CrashLoopError(PermanentError):
    """The same step took several workers down with it."""

    code = "crash_loop"


class ModelRefusedError(PermanentError):
    """The model stopped with `refusal`."""

    code = "refusal"


class ModelStoppedError(PermanentError):
    """The model stopped for a reason nobody can continue from."""

    code = "model_stopped"


class BudgetRefusedError(PermanentError):
    """A person refused to raise the budget of the run."""

    code = "budget_refused"


class OutputInvalidError(PermanentError):
    """The last answer does not fit the job type's `output_schema`."""

    code = "output_invalid"


class ToolError(RunsError):
    """Raise it in a tool: its text becomes the error result that the model sees."""

    code = "tool_error"
