"""Send a batch. Creating one is not idempotent, so the intent is committed first.

A create whose answer is lost is never simply repeated: `find.py` first looks whether the batch was created.
"""

import logging

import anthropic
from django.db import transaction
from django.db.models import F

from runs import clock
from runs.clock import Now, in_seconds
from runs.conf import conf
from runs.engine.batch_api import create, was_surely_not_made
from runs.engine.classifier import classify, is_spend_cap
from runs.engine.journal import release_connection
from runs.engine.retry import retry_after_s
from runs.fault_points import fault_point
from runs.maintenance.batches.take_in import take_in
from runs.models import BatchedCall, BatchStatus, CallEnd, MessageBatch
from runs.states import ErrorClass
from runs.storable import storable_text

log = logging.getLogger(__name__)

TRIES = 8  # after this many transient failures its calls fail as direct calls would
_PAUSE_S, _PAUSE_MAX_S = 15.0, 600.0


def send(batch: MessageBatch) -> None:
    """Send a formed batch."""
    formed = MessageBatch.objects.filter(pk=batch.pk, status=BatchStatus.FORMED)
    began = clock.monotonic()
    sending = formed.update(
        status=BatchStatus.SENDING, sent_at=Now(), tries=F("tries") + 1, next_look_at=in_seconds(conf().batch_settles_s)
    )
    if not sending:
        return  # another worker was faster
    batch.tries += 1
    requests = [(call.custom_id, call.body) for call in batch.calls.all()]
    fault_point("batch.before")
    release_connection()
    if clock.monotonic() - began > conf().batch_settles_s / 4:
        return  # delayed too long to send: others may soon look for its batch
    try:
        provider_id = create(requests, timeout_s=conf().batch_settles_s / 2)
    except Exception as error:
        _failed(batch, error)
        return
    fault_point("batch.after")
    MessageBatch.objects.filter(pk=batch.pk, status=BatchStatus.SENDING).update(
        status=BatchStatus.IN_PROGRESS, provider_id=provider_id, next_look_at=in_seconds(conf().batch_poll_s), error=""
    )


def said_by(error: Exception) -> str:
    """Describe an error without secrets."""
    return storable_text(f"{type(error).__name__}: {error}")[:500]


def _failed(batch: MessageBatch, error: Exception) -> None:
    """Decide how to go on with a batch that was not sent, or only may have been."""
    log.warning("batch %s could not be sent (try %s): %s", batch.pk, batch.tries, said_by(error))
    sending = MessageBatch.objects.filter(pk=batch.pk, status=BatchStatus.SENDING)
    if not was_surely_not_made(error):
        sending.update(error=said_by(error))  # `find` looks for it when it is due
    elif classify(error) != ErrorClass.PERMANENT and batch.tries < TRIES:
        pause_s = max(retry_after_s(error) or 0.0, min(_PAUSE_MAX_S, _PAUSE_S * 2 ** (batch.tries - 1)))
        sending.update(status=BatchStatus.FORMED, next_look_at=in_seconds(pause_s), error=said_by(error))
    elif _is_of_one_call(error) and batch.requests > 1:
        _halve(batch, error)
    else:
        _refuse(batch, error)


def _is_of_one_call(error: Exception) -> bool:
    """Say whether a refusal may be due to a single call, and not to the key, the workspace or the money."""
    if not isinstance(error, anthropic.APIStatusError):
        return False
    return error.status_code in (400, 413) and not is_spend_cap(error)


@transaction.atomic
def _halve(batch: MessageBatch, error: Exception) -> None:
    """Split a batch in two: if the provider refuses one call, the half without it is answered."""
    calls = list(batch.calls.order_by("created_at", "pk").values_list("pk", flat=True))
    for half in (calls[: len(calls) // 2], calls[len(calls) // 2 :]):
        part = MessageBatch.objects.create(requests=len(half), created_at=Now(), next_look_at=Now())
        BatchedCall.objects.filter(pk__in=half).update(batch=part)
    MessageBatch.objects.filter(pk=batch.pk).update(
        status=BatchStatus.NOT_MADE, next_look_at=None, error=said_by(error)
    )


def _refuse(batch: MessageBatch, error: Exception) -> None:
    """Give every call the refusal as its result: its run fails or tries again."""
    said = getattr(error, "body", None)
    if not isinstance(said, dict):
        said = {"type": "error", "error": {"type": "api_error", "message": said_by(error)}}
    document = {"type": "errored", "error": said}
    for call in list(batch.calls.filter(end="").values_list("pk", flat=True)):
        take_in(batch, call, CallEnd.ERRORED, document)
    MessageBatch.objects.filter(pk=batch.pk).update(
        status=BatchStatus.NOT_MADE, next_look_at=None, errored=batch.requests, error=said_by(error)
    )
