"""The errors of runs.

RunsError
├── DeclarationError            an agent, job or tool is declared wrongly
├── InvalidTransitionError      the verb does not fit the current status (409)
│   └── StaleRunError           somebody else was faster, or the lease is lost
├── InvalidInputError           a field does not fit; names it (422)
├── NotSupportedError           a documented field that is not built yet (422)
├── ConflictError               the key or the action was used for something else (409, 422)
├── NotPermittedError           the caller may not do this (403)
├── QueueFullError              the queue has reached a backlog limit: post later (429)
├── TransientError              may be retried
│   ├── RateLimitedError        may be retried, not before `retry_after_s`
│   ├── StepTimeoutError        a step took longer than its `timeout_s`
│   ├── ModelTimeoutError       a model call took longer than `model_timeout_s`
│   ├── BrokenStreamError       an answer that ended without a stop reason
│   └── BatchEndedError         a batch ended without an answer for this call
├── HeldBackError               the circuit of a model is open: go on later
│   ├── CircuitOpenError        a call met an open circuit, or opened it
│   └── RateLimitReachedError   a rate limit of a model is used up: go on when it has headroom again
├── BudgetFullError             the worst case does not fit into a budget: ask, and wait
├── NoPermitError               a rate limit has no headroom right now: acquire the permit before the intent
├── RuleSpentError              the rule was used up or revoked: ask a person
├── UnknownOutcomeError         an effect may or may not have happened
└── PermanentError              must not be retried
    ├── UnknownJobTypeError     no such declaration in this deploy
    ├── PermissionDeniedError   owner or tenant was disabled, or the owner left the tenant
    ├── SecretNotGrantedError   a tool or job may not read this secret
    ├── UnknownPriceError       the model has no price, so it is not asked
    ├── StepLimitError          more model calls than `max_steps`
    ├── DeadlineError           more time under a lease than `timeout_s`
    ├── CrashLoopError          the same step killed its workers
    ├── ModelRefusedError       the model stopped with `refusal`
    ├── ModelStoppedError       a stop reason nobody can continue from
    ├── PromptInvalidError      `prompt()` returned a blank text
    ├── BudgetRefusedError      a person refused to spend more
    ├── UnwritableError         the database refuses to store a value
    ├── OutputInvalidError      the answer does not fit `output_schema`
    ├── UserCodeError           code of the project raised a BaseException such as SystemExit
    ├── LeftOpenError           code of the project left a transaction open; it was rolled back
    └── UnexpectedAwaitableError  code of the project returned an awaitable where nothing can await it

ToolBusyError                   the tool has no free slot now: go on later
ToolRevokedError                an operator has revoked the tool: the model gets an error
ToolRoleError                   the run's user lacks the role that the tool needs: the model gets an error
ToolError                       raised by tools: the model gets its text, the run goes on
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any


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
    """The verb does not fit the current status."""

    code = "wrong_state"


class StaleRunError(InvalidTransitionError):
    """Somebody else moved the run first, or the lease is lost: the caller must stop."""

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
    """The key was used with another body, or the action was decided differently."""

    code = "conflict"


class NotPermittedError(RunsError):
    """The caller may not do this."""

    code = "forbidden"


class QueueFullError(RunsError):
    """The queue has reached a backlog limit. Units: `retry_after_s` in seconds, an estimate."""

    code = "queue_full"

    def __init__(self, queue: str, *, depth: int, limit: int, whose: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(
            f"in the queue {queue!r} {depth} runs{whose} are waiting, and its ceiling is {limit}: "
            f"post again in {retry_after_s} s"
        )


class TransientError(RunsError):
    """Another try may succeed."""

    code = "transient"


class RateLimitedError(TransientError):
    """The other side asks for a pause. Units: `retry_after_s` in seconds, None if it gave none."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StepTimeoutError(TransientError):
    """A step took longer than its `timeout_s`; raised in a tool that reports its progress."""

    code = "step_timeout"


class ModelTimeoutError(TransientError):
    """A whole model call took longer than `model_timeout_s`."""

    code = "model_timeout"


class BrokenStreamError(TransientError):
    """The stream ended without a stop reason, or broke off: the answer must not be used."""

    code = "broken_stream"


class BatchEndedError(TransientError):
    """The batch expired, was cancelled or was lost before this call was answered."""

    code = "batch_ended"


class HeldBackError(RunsError):
    """The circuit of a model is open: the run releases its slot until it closes. Not a failed try."""

    code = "held_back"

    def __init__(self, message: str, *, breaker_id: int | None = None) -> None:
        super().__init__(message)
        self.breaker_id = breaker_id


class CircuitOpenError(HeldBackError):
    """The call met an open circuit, or opened it: repeat it when the provider answers. Not a failed try."""

    code = "circuit"


class RateLimitReachedError(HeldBackError):
    """A model call must wait longer for a rate limit than a slot waits. Not a failed try.

    Units: `wait_s` if no other run waits; `share_s` is how long the limit takes to refill what this call needs.
    Shape: `need` is {model, pace, input_tokens, output_tokens}, where `pace` describes the limit.
    """

    code = "rate_limit_reached"

    def __init__(self, message: str, *, need: Mapping[str, Any], wait_s: float, share_s: float) -> None:
        super().__init__(message)
        self.need, self.wait_s, self.share_s = need, wait_s, share_s


class BudgetFullError(RunsError):
    """The worst case of a call does not fit into a budget. Units: `room_usd` may be below 0."""

    code = "budget"

    def __init__(self, *, budget_id: int, starts_on: date, needs_usd: Decimal, room_usd: Decimal) -> None:
        super().__init__(f"{needs_usd.normalize():f} USD do not fit into the budget {budget_id} from {starts_on}")
        self.budget_id = budget_id
        self.starts_on = starts_on
        self.needs_usd = needs_usd
        self.room_usd = room_usd


class NoPermitError(RunsError):
    """The rate limits of a model have no headroom for a call right now; its intent was not written."""

    code = "no_permit"


class RuleSpentError(RunsError):
    """The rule that should approve a call is no longer valid: it was used up in the meantime, or has ended."""

    code = "rule_spent"


class UnknownOutcomeError(RunsError):
    """An effect may or may not have happened; raised by tools that do not know."""

    code = "unknown_outcome"


class PermanentError(RunsError):
    """Another try cannot help."""

    code = "permanent"


class UnknownJobTypeError(PermanentError):
    """No such job type is declared in this deploy."""

    code = "unknown_job_type"


class PermissionDeniedError(PermanentError):
    """The owner or the tenant was disabled after the run was posted, or the owner left the tenant."""

    code = "permission_denied"


class SecretNotGrantedError(PermanentError):
    """A tool or a job read a secret that its declaration does not name."""

    code = "secret_not_granted"


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
    """The same step crashed several workers."""

    code = "crash_loop"


class ModelRefusedError(PermanentError):
    """The model stopped with `refusal`."""

    code = "refusal"


class ModelStoppedError(PermanentError):
    """The model stopped for a reason nobody can continue from."""

    code = "model_stopped"


class PromptInvalidError(PermanentError):
    """`prompt()` of an agent returned a blank text."""

    code = "prompt_invalid"


class UnwritableError(PermanentError):
    """The database cannot store the result of a step."""

    code = "unwritable"


class BudgetRefusedError(PermanentError):
    """A person refused to raise the budget of the run."""

    code = "budget_refused"


class OutputInvalidError(PermanentError):
    """The last answer does not fit the job type's `output_schema`."""

    code = "output_invalid"


class UserCodeError(PermanentError):
    """Code of the project raised a BaseException such as SystemExit."""

    code = "user_code"


class LeftOpenError(PermanentError):
    """Code of the project left a transaction open; it was rolled back."""

    code = "left_open"


class UnexpectedAwaitableError(PermanentError):
    """Code of the project returned an awaitable where nothing can await it."""

    code = "unexpected_awaitable"


class ToolBusyError(RunsError):
    """The tool has no free slot, or is paused: the run releases its own slot. Not a failed try."""

    code = "tool_busy"


class ToolRevokedError(RunsError):
    """An operator has revoked the tool: the call is not made, and the model gets an error."""

    code = "permission_denied"


class ToolRoleError(RunsError):
    """The run's user lacks the role that the tool needs: the call is not made, and the model gets an error."""

    code = "permission_denied"


class ToolError(RunsError):
    """Raise it in a tool: its text becomes the error result that the model sees."""

    code = "tool_error"
