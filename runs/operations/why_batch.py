"""Why runs wait for a batch: in which their model calls lie, and since when. Looked up for many runs at once."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import F

from runs.models import BatchedCall, ModelCallStatus, Run
from runs.states import RunStatus


def calls_of(runs: Iterable[Run]) -> dict[UUID, BatchedCall]:
    """Find, by run, the model calls in the batch lane, without their requests and results, which may be large."""
    waiting = [run.pk for run in runs if run.state == RunStatus.WAITING_FOR_BATCH]
    if not waiting:
        return {}
    lying = BatchedCall.objects.filter(call__run__in=waiting, call__status=ModelCallStatus.STARTED)
    lean = lying.select_related("batch").annotate(run_id=F("call__run")).defer("body", "result")
    return {call.run_id: call for call in lean.order_by("-created_at")}


def message_of(batched: BatchedCall | None) -> str:
    """Say where the model call of a run that waits for a batch lies."""
    if batched is None:
        return "its model call lies in a message batch"
    since = f"since {batched.created_at:%Y-%m-%d %H:%M} UTC"
    if batched.batch is None:
        return f"its model call waits for the next message batch {since}"
    error_kind = f"; the last try: {batched.batch.error}" if batched.batch.error else ""
    return f"its model call lies in message batch {batched.batch} {since}{error_kind}"
