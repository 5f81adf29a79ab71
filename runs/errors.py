"""The errors of runs. In brackets: the status of the answer over HTTP, by `runs.api.problems`.

RunsError
├── DeclarationError
├── InvalidTransitionError (409)
│   └── StaleRunError
├── InvalidInputError (422)
│   └── NotSupportedError
├── ConflictError (409; 422 from posting a run)
├── NotPermittedError (403)
├── QueueFullError (429)
├── TransientError
│   └── RateLimitedError, StepTimeoutError, ModelTimeoutError, BrokenStreamError, BatchEndedError
├── HeldBackError
│   └── CircuitOpenError, RateLimitReachedError
├── PermanentError
│   ├── UnknownJobTypeError, PermissionDeniedError, SecretNotGrantedError, UnknownPriceError, BudgetRefusedError
│   ├── StepLimitError, DeadlineError, CrashLoopError, ModelRefusedError, ModelStoppedError, PromptInvalidError
│   └── UnwritableError, OutputInvalidError, UserCodeError, LeftOpenError, UnexpectedAwaitableError
├── BudgetFullError, NoPermitError, RuleSpentError, UnknownOutcomeError
└── ToolBusyError, ToolRevokedError, ToolRoleError, ToolError
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any


class RunsError(Exception):
    """Base of all errors of this app. `code` is stable and shown to clients."""

    code = "error"

    def __init_subclass__(cls, code: str = "") -> None:
        cls.code = code or cls.code


class DeclarationError(RunsError, code="declaration"):
    """An agent, job or tool is declared wrongly; `hint` says what to write instead."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class InvalidTransitionError(RunsError, code="wrong_state"):
    """The verb does not fit the current status."""


class StaleRunError(InvalidTransitionError, code="stale"):
    """Somebody else moved the run first, or the lease is lost: the caller must stop."""


class InvalidInputError(RunsError, code="invalid"):
    """One or more fields do not fit. `errors` maps each field to what is wrong with it."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        self.errors = {field: list(problems) for field, problems in errors.items()}
        super().__init__("; ".join(f"{field}: {' '.join(p)}" for field, p in self.errors.items()))


class NotSupportedError(InvalidInputError, code="not_supported"):
    """A documented field that is not built yet: refused rather than ignored."""


class ConflictError(RunsError, code="conflict"):
    """The key was used with another body, or the action was decided differently."""


class NotPermittedError(RunsError, code="forbidden"):
    """The caller may not do this."""


class QueueFullError(RunsError, code="queue_full"):
    """The queue has reached a backlog limit. Units: `retry_after_s` in seconds, an estimate."""

    def __init__(self, queue: str, *, depth: int, limit: int, whose: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(
            f"in the queue {queue!r} {depth} runs{whose} are waiting, and its ceiling is {limit}: "
            f"post again in {retry_after_s} s"
        )


class TransientError(RunsError, code="transient"):
    """Another try may succeed."""


class RateLimitedError(TransientError, code="rate_limited"):
    """The other side asks for a pause. Units: `retry_after_s` in seconds, None if it gave none."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StepTimeoutError(TransientError, code="step_timeout"):
    """A step took longer than its `timeout_s`; raised in a tool that reports its progress."""


class ModelTimeoutError(TransientError, code="model_timeout"):
    """A whole model call took longer than `model_timeout_s`."""


class BrokenStreamError(TransientError, code="broken_stream"):
    """The stream ended without a stop reason, or broke off: the answer must not be used."""


class BatchEndedError(TransientError, code="batch_ended"):
    """The batch expired, was cancelled or was lost before this call was answered."""


class HeldBackError(RunsError, code="held_back"):
    """The circuit of a model is open: the run releases its slot until it closes. Not a failed try."""

    def __init__(self, message: str, *, breaker_id: int | None = None) -> None:
        super().__init__(message)
        self.breaker_id = breaker_id


class CircuitOpenError(HeldBackError, code="circuit"):
    """The call met an open circuit, or opened it: repeat it when the provider answers. Not a failed try."""


class RateLimitReachedError(HeldBackError, code="rate_limit_reached"):
    """A model call must wait longer for a rate limit than a slot waits. Not a failed try.

    Units: `wait_s` if no other run waits; `share_s` is how long the limit takes to refill what this call needs.
    Shape: `need` is {model, pace, input_tokens, output_tokens}, where `pace` describes the limit.
    """

    def __init__(self, message: str, *, need: Mapping[str, Any], wait_s: float, share_s: float) -> None:
        super().__init__(message)
        self.need, self.wait_s, self.share_s = need, wait_s, share_s


class BudgetFullError(RunsError, code="budget"):
    """The worst case of a call does not fit into a budget. Units: `room_usd` may be below 0."""

    def __init__(self, *, budget_id: int, starts_on: date, needs_usd: Decimal, room_usd: Decimal) -> None:
        super().__init__(f"{needs_usd.normalize():f} USD do not fit into the budget {budget_id} from {starts_on}")
        self.budget_id = budget_id
        self.starts_on = starts_on
        self.needs_usd = needs_usd
        self.room_usd = room_usd


class NoPermitError(RunsError, code="no_permit"):
    """The rate limits of a model have no headroom for a call right now; its intent was not written."""


class RuleSpentError(RunsError, code="rule_spent"):
    """The rule that should approve a call is no longer valid: it was used up in the meantime, or has ended."""


class UnknownOutcomeError(RunsError, code="unknown_outcome"):
    """An effect may or may not have happened; raised by tools that do not know."""


class PermanentError(RunsError, code="permanent"):
    """Another try cannot help."""


class UnknownJobTypeError(PermanentError, code="unknown_job_type"):
    """No such job type is declared in this deploy."""


class PermissionDeniedError(PermanentError, code="permission_denied"):
    """The owner or the tenant was disabled after the run was posted, or the owner left the tenant."""


class SecretNotGrantedError(PermanentError, code="secret_not_granted"):
    """A tool or a job read a secret that its declaration does not name."""


class UnknownPriceError(PermanentError, code="unknown_price"):
    """The model has no known price, so it is not asked."""


class StepLimitError(PermanentError, code="max_steps"):
    """The run needed more model calls than its job type allows."""


class DeadlineError(PermanentError, code="timeout"):
    """The run spent more time under a lease than its `timeout_s`."""


class CrashLoopError(PermanentError, code="crash_loop"):
    """The same step crashed several workers."""


class ModelRefusedError(PermanentError, code="refusal"):
    """The model stopped with `refusal`."""


class ModelStoppedError(PermanentError, code="model_stopped"):
    """The model stopped for a reason nobody can continue from."""


class PromptInvalidError(PermanentError, code="prompt_invalid"):
    """`prompt()` of an agent returned a blank text."""


class UnwritableError(PermanentError, code="unwritable"):
    """The database cannot store the result of a step."""


class BudgetRefusedError(PermanentError, code="budget_refused"):
    """A person refused to raise the budget of the run."""


class OutputInvalidError(PermanentError, code="output_invalid"):
    """The last answer does not fit the job type's `output_schema`."""


class UserCodeError(PermanentError, code="user_code"):
    """Code of the project raised a BaseException such as SystemExit."""


class LeftOpenError(PermanentError, code="left_open"):
    """Code of the project left a transaction open; it was rolled back."""


class UnexpectedAwaitableError(PermanentError, code="unexpected_awaitable"):
    """Code of the project returned an awaitable where nothing can await it."""


class ToolBusyError(RunsError, code="tool_busy"):
    """The tool has no free slot, or is paused: the run releases its own slot. Not a failed try."""


class ToolRevokedError(RunsError, code="permission_denied"):
    """An operator has revoked the tool: the call is not made, and the model gets an error."""


class ToolRoleError(RunsError, code="permission_denied"):
    """The run's user lacks the role that the tool needs: the call is not made, and the model gets an error."""


class ToolError(RunsError, code="tool_error"):
    """Raise it in a tool: its text becomes the error result that the model sees."""
