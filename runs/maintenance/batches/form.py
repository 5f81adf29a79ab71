"""Form batches from the pending calls once they have waited long enough, or there are enough of them."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from runs import clock
from runs.clock import Now
from runs.conf import conf
from runs.models import BatchedCall, MessageBatch


def form_batches() -> int:
    """Put the pending calls into batches if it is time. Returns how many calls."""
    formed = 0
    while taken := _form_one():
        formed += taken
    return formed


def _form_one() -> int:
    upto = _last_of_the_next()
    if upto is None:
        return 0
    with transaction.atomic():
        batch = MessageBatch.objects.create(requests=0, created_at=Now(), next_look_at=Now())
        # If two workers form at once, the slower finds these taken: a row goes into one batch only.
        taken = BatchedCall.objects.filter(batch=None, created_at__lte=upto).update(batch=batch)
        if taken:
            MessageBatch.objects.filter(pk=batch.pk).update(requests=F("requests") + taken)
        else:
            batch.delete()
    return taken


def _last_of_the_next() -> datetime | None:
    """Find the creation time of the last call for the next batch; None if it is too early for one."""
    settings, size, last, count = conf(), 0, None, 0
    pending = BatchedCall.objects.filter(batch=None).order_by("created_at")
    rows = list(pending.values_list("created_at", "size")[: settings.batch_max_calls])
    if not rows:
        return None
    for created_at, more in rows:
        if last is not None and size + more > settings.batch_max_bytes:
            break
        size, last, count = size + more, created_at, count + 1
    full = count < len(rows) or count == settings.batch_max_calls
    waited = rows[0][0] <= clock.now() - timedelta(seconds=settings.batch_gather_s)
    return last if full or waited else None
