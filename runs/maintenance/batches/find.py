"""Find out whether a batch whose answer was lost was created: by time and number of calls, then by their ids.

The provider's batches carry no name of ours, and show the ids of their calls only once they have ended. So we wait for
every batch that may be ours, and send nothing again before each has proved to be another.
"""

import logging
from contextlib import closing
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from runs import clock
from runs.clock import Now, in_seconds
from runs.conf import conf
from runs.engine.batch_api import Seen, made_since, results_of
from runs.engine.journal import release_connection
from runs.errors import BatchEndedError
from runs.maintenance.batches.collect import LOST_AFTER_S, lose
from runs.maintenance.batches.take_in import lock_run, put_right
from runs.models import BatchedCall, BatchStatus, CallEnd, MessageBatch, ModelCall, ModelCallStatus

log = logging.getLogger(__name__)

_SKEW = timedelta(seconds=300)  # between the provider's clock and ours


def find(batch: MessageBatch) -> bool:
    """Look for a batch that may have been created. Returns whether it was found and has ended."""
    assert batch.sent_at is not None
    settled = clock.now() >= batch.sent_at + timedelta(seconds=conf().batch_settles_s)  # before the list is read
    release_connection()
    candidates = _candidates(batch)
    for seen in candidates:
        if seen.has_ended and _is_ours(batch, seen):
            return _adopt(batch, seen)
    are_others = all(seen.has_ended for seen in candidates)
    if are_others and settled:
        _give_back(batch)
    elif are_others:
        _look_again(batch, conf().batch_settles_s)
    elif clock.now() > batch.sent_at + timedelta(seconds=LOST_AFTER_S):
        lose(batch)
    else:
        _look_again(batch, conf().batch_poll_s)
    return False


def _candidates(batch: MessageBatch) -> list[Seen]:
    """List the provider's batches of the same age and size that are not known to be others."""
    assert batch.sent_at is not None
    since, until = batch.sent_at - _SKEW, batch.sent_at + timedelta(seconds=conf().batch_settles_s) + _SKEW
    alike = [seen for seen in made_since(since) if seen.requests == batch.requests and seen.created_at <= until]
    known = set(
        MessageBatch.objects.filter(provider_id__in=[seen.id for seen in alike]).values_list("provider_id", flat=True)
    )
    return [seen for seen in alike if seen.id not in known | set(batch.not_ours)]


def _is_ours(batch: MessageBatch, seen: Seen) -> bool:
    """Say whether an ended batch holds a call of ours; remember one that does not."""
    release_connection()
    with closing(results_of(seen.id)) as results:
        first = next(results, None)
    if first is None:
        raise BatchEndedError(f"{seen.id} has ended, and shows no result")
    ours = {call_id.hex for call_id in batch.calls.values_list("pk", flat=True)}
    if first.custom_id in ours:
        return True
    batch.not_ours = [*batch.not_ours, seen.id]
    MessageBatch.objects.filter(pk=batch.pk).update(not_ours=batch.not_ours)
    return False


def _adopt(batch: MessageBatch, seen: Seen) -> bool:
    log.warning("batch %s was made after all: it is %s", batch.pk, seen.id)
    batch.provider_id, batch.status = seen.id, BatchStatus.ENDED
    sending = MessageBatch.objects.filter(pk=batch.pk, status=BatchStatus.SENDING)
    return bool(sending.update(provider_id=seen.id, status=BatchStatus.ENDED, ended_at=Now(), error=""))


def _look_again(batch: MessageBatch, pause_s: float) -> None:
    MessageBatch.objects.filter(pk=batch.pk, status=BatchStatus.SENDING).update(next_look_at=in_seconds(pause_s))


def _give_back(batch: MessageBatch) -> None:
    """Make the calls of a batch that was not created pending again, for another batch."""
    log.warning("batch %s was not made: its %s calls are sent again", batch.pk, batch.requests)
    for call_id in list(batch.calls.filter(end="").values_list("pk", flat=True)):
        _pend(batch, call_id)
    MessageBatch.objects.filter(pk=batch.pk, status=BatchStatus.SENDING).update(
        status=BatchStatus.NOT_MADE, next_look_at=None
    )


@transaction.atomic
def _pend(batch: MessageBatch, call_id: UUID) -> None:
    """Make one call pending again; if its run was cancelled since, it certainly cost nothing."""
    call = ModelCall.objects.get(pk=call_id)
    run = lock_run(call.run_id)
    call = ModelCall.objects.select_related("batched").get(pk=call_id)
    mine = BatchedCall.objects.filter(pk=call_id, batch=batch, end="")
    if call.status == ModelCallStatus.STARTED:
        mine.update(batch=None)
    elif mine.update(end=CallEnd.CANCELED, body="", ended_at=Now()):
        call.batched.end = CallEnd.CANCELED
        put_right(call, run)
