"""Why a run waits for a batch: in which its model call lies, and since when."""

from runs.models import BatchedCall, ModelCallStatus, Run


def message_of(run: Run) -> str:
    """Say where the model call of a run that waits for a batch lies."""
    lying = BatchedCall.objects.select_related("batch").filter(call__run=run, call__status=ModelCallStatus.STARTED)
    batched = lying.first()
    if batched is None:
        return "its model call lies in a message batch"
    since = f"since {batched.created_at:%Y-%m-%d %H:%M} UTC"
    if batched.batch is None:
        return f"its model call waits for the next message batch {since}"
    trouble = f"; the last try: {batched.batch.error}" if batched.batch.error else ""
    return f"its model call lies in message batch {batched.batch} {since}{trouble}"
