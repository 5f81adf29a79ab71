"""Take in the result of a batched call, once: its run goes on, or its cost is corrected."""

from typing import Any
from uuid import UUID

from django.db import transaction

from runs.clock import Now
from runs.engine.batched import settle_unawaited_charge
from runs.engine.budget_holds import correct_call
from runs.fault_points import fault_point
from runs.models import BatchedCall, CallEnd, MessageBatch, ModelCall, ModelCallStatus, Run
from runs.models.moves import Event, transition
from runs.models.sql import Increment
from runs.states import RunStatus
from runs.storable import storable


@transaction.atomic
def take_in(batch: MessageBatch, call_id: UUID, end: CallEnd, document: dict[str, Any]) -> bool:
    """Store the result of a call and let its run go on; False if it was stored before or is not ours."""
    found = BatchedCall.objects.filter(pk=call_id, batch=batch, end="")
    run_id = found.values_list("call__run", flat=True).first()
    if run_id is None:
        return False
    run = lock_run(run_id)
    if not found.update(end=end, result=storable(document), body="", ended_at=Now()):
        return False
    call = ModelCall.objects.select_related("batched").get(pk=call_id)
    if call.status == ModelCallStatus.STARTED:
        _wake(run)
    else:
        put_right(call, run)
    fault_point("ingest.before")
    return True


def lock_run(run_id: UUID) -> Run:
    """Lock a run's row, so that a concurrent cancel waits and sees the result."""
    return Run.objects.select_for_update(of=("self",)).get(pk=run_id)


def put_right(call: ModelCall, run: Run) -> None:
    """Correct the presumed cost of a call whose run was cancelled in the meantime."""
    more = settle_unawaited_charge(call)
    correct_call(call)
    if more:
        transition(run, cost_usd=Increment(more))


def _wake(run: Run) -> None:
    if run.state == RunStatus.WAITING_FOR_BATCH:
        transition(run, to=RunStatus.QUEUED, events=[Event("run.queued", actor="batch")])
