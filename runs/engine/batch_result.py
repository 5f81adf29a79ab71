"""Take the result of a batched call: the run's next holder records it like the answer of a direct call."""

from typing import Any

from runs.engine.batched import end_call
from runs.engine.classifier import classification_of
from runs.engine.journal import Journal
from runs.engine.model_call import charge_run, record_answer
from runs.engine.provider_errors import error_in
from runs.errors import BatchEndedError
from runs.models import BatchedCall, CallEnd, ModelCall, ModelCallStatus, Step, Tier

_SAID = {
    CallEnd.EXPIRED: "the batch expired before the provider got to this call",
    CallEnd.CANCELED: "the batch was cancelled before the provider got to this call",
    CallEnd.LOST: "nobody can tell what became of this call in its batch, so it counts as spent",
}


def take_result(journal: Journal, step: Step) -> bool:
    """Record a batch's answer to a step; return False if there is none.

    Raises: what a direct call raises when it is refused or answered badly; BatchEndedError.
    """
    call = _answered(step)
    if call is None:
        return False
    call.step, step.fence = step, journal.lease.fence  # the try is now this claim's to fail or reset
    batched: BatchedCall = call.batched
    result = batched.result
    tokens = end_call(call, at=journal.lease.now())
    batched.result = None  # the step holds it now
    journal.lay_in(batched)
    if batched.end == CallEnd.SUCCEEDED:
        record_answer(journal, step, call, result["message"], tokens=tokens)
        return True
    error = _error_of(batched, result)
    call.error_type, call.error_kind = type(error).__name__, classification_of(error).error_kind or ""
    journal.record_call(call)
    charge_run(journal, call, tokens)
    raise error


def _answered(step: Step) -> ModelCall | None:
    calls = step.model_calls.select_related("batched").filter(status=ModelCallStatus.STARTED, tier=Tier.BATCH)
    return calls.exclude(batched__end="").first()


def _error_of(batched: BatchedCall, result: dict[str, Any]) -> Exception:
    """Build the error that a direct request would have raised, so that the classifier judges both alike."""
    if batched.end != CallEnd.ERRORED:
        return BatchEndedError(_SAID[CallEnd(batched.end)])
    return error_in(result.get("error"), where="in a batch")
