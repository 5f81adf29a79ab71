"""Model calls of the batch lane: store each with its request, and settle its end and its cost."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from runs import clock
from runs.engine.journal import Journal
from runs.engine.ledger import presume, settle_charge
from runs.engine.prices import tariff_of
from runs.errors import UnknownPriceError
from runs.models import BatchedCall, CallEnd, ModelCall, ModelCallStatus, Run, Step
from runs.states import RunStatus

DEADLINE_S = 26 * 3600.0  # gathered, sent, and ended by the provider after 24 hours
CACHE_TTL = "1h"  # a batch usually takes longer than five minutes, and its turns come one after the other

_WITHDRAWN = "Withdrawn"


def lay_in(journal: Journal, call: ModelCall, body: str) -> None:
    """Commit the intent of a call for the next batch, and let its run wait without a lease or slot.

    The request is stored as it is: a deploy in the meantime may change how a job type words its prompt.
    Raises: as `commit_intent`.
    """
    batched = BatchedCall(call=call, body=body, size=len(body.encode()), created_at=journal.lease.now())
    journal.lay_in(batched)
    journal.record_event("run.waiting_for_batch", step=call.step.seq)
    running_s = journal.run.running_s + journal.lease.counted_s
    journal.commit_intent(to=RunStatus.WAITING_FOR_BATCH, running_s=running_s)


def end_call(call: ModelCall, *, at: datetime) -> dict[str, int]:
    """Record in the ledger how a batched call ended, as far as is known; return its tokens by column.

    A call in no batch yet is withdrawn. A call without a result counts as spent until the result arrives.
    """
    batched = call.batched
    call.finished_at = at
    if batched.batch_id is None and BatchedCall.objects.filter(pk=call.pk, batch=None).delete()[0]:
        call.error_type = _WITHDRAWN
        return _free(call)
    match batched.end:
        case CallEnd.SUCCEEDED:
            return price(call, batched.result["message"])
        case "" | CallEnd.LOST:
            return presume(call)
        case _:
            return _free(call)


def price(call: ModelCall, message: dict[str, Any]) -> dict[str, int]:
    """Price an answer by the tariff of its reserve; return its tokens by column."""
    try:
        return settle_charge(call, message, tariff_of(call.model, at=call.started_at))
    except UnknownPriceError:  # a deploy has lost the price: fall back to the reserve, the most it could cost
        return presume(call)


def _free(call: ModelCall) -> dict[str, int]:
    call.status, call.cost_usd = ModelCallStatus.RELEASED, Decimal(0)
    return {}


def settle_unawaited_charge(call: ModelCall) -> Decimal:
    """Settle a call that no run waits for, or correct what was presumed of it; return what that adds to the cost.

    Needs the lock of the run's row. Updates the run's tokens; the caller writes its cost.
    """
    before = call.cost_usd
    tokens = end_call(call, at=clock.now())
    call.save()
    more = {name: F(name) + value for name, value in tokens.items() if value}
    Step.objects.filter(pk=call.step_id).update(**more, cost_usd=F("cost_usd") + call.cost_usd - before)
    if more:
        Run.objects.filter(pk=call.run_id).update(**more)
    return call.cost_usd - before
