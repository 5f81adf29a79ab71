"""Tend the batch lane: form what is due, then process each open batch.

The provider may be slow, so the tending thread does nothing that others wait for. A claim is one UPDATE and holds the
batch for `batch_settles_s`; after that another worker takes over the batches of a dead one.
"""

import logging
from collections.abc import Callable
from datetime import datetime

import anthropic

from runs import clock
from runs.clock import Now, in_seconds
from runs.conf import conf
from runs.errors import BatchEndedError
from runs.maintenance.batches.collect import KEPT_S, LOST_AFTER_S, collect, lose, poll
from runs.maintenance.batches.find import find
from runs.maintenance.batches.form import form_batches
from runs.maintenance.batches.send import said_by, send
from runs.models import BatchStatus, MessageBatch

log = logging.getLogger(__name__)

_AT_ONCE = 20


def tend_batches(*, go_on: Callable[[], bool] = lambda: True) -> int:
    """Form, send, poll and collect batches while `go_on()` is true. Returns how many were processed."""
    form_batches()
    due = MessageBatch.objects.filter(next_look_at__lte=Now()).order_by("next_look_at")[:_AT_ONCE]
    seen_to = 0
    for batch in list(due):
        if not go_on():
            break
        if _claim(batch):
            _see_to(batch)
            seen_to += 1
    return seen_to


def _claim(batch: MessageBatch) -> bool:
    """Claim a batch, unless another worker was faster."""
    unclaimed = MessageBatch.objects.filter(pk=batch.pk, status=batch.status, next_look_at__lte=Now())
    return bool(unclaimed.update(next_look_at=in_seconds(conf().batch_settles_s)))


def _see_to(batch: MessageBatch) -> None:
    try:
        match batch.status:
            case BatchStatus.FORMED:
                send(batch)
            case BatchStatus.SENDING:
                if find(batch):
                    collect(batch)
            case BatchStatus.IN_PROGRESS:
                if poll(batch):
                    collect(batch)
            case BatchStatus.ENDED:
                collect(batch)
    except Exception as error:
        _note_trouble(batch, error)


def _note_trouble(batch: MessageBatch, error: Exception) -> None:
    """Record an error and look again later, unless the provider will never show the results."""
    log.warning("batch %s: %s", batch, said_by(error), exc_info=error)
    still_open = MessageBatch.objects.filter(pk=batch.pk, next_look_at__isnull=False)
    still_open.update(error=said_by(error), next_look_at=in_seconds(conf().batch_poll_s))
    if _is_hopeless(batch, error):
        lose(batch)


def _is_hopeless(batch: MessageBatch, error: Exception) -> bool:
    """Say whether the results of a batch will never be known.

    Losing a batch means paying for its calls twice. So wait out transient errors for as long as results are kept; give
    up sooner only if the provider itself says that it has no such batch, or no such result.
    """
    if _is_past(batch.sent_at, KEPT_S):
        return True
    if isinstance(error, BatchEndedError):
        return _is_past(batch.ended_at, LOST_AFTER_S)  # a list that was short once may be complete the next time
    known = batch.status in (BatchStatus.IN_PROGRESS, BatchStatus.ENDED)
    is_gone = isinstance(error, anthropic.APIStatusError) and error.status_code in (404, 410)
    return known and is_gone and _is_past(batch.sent_at, LOST_AFTER_S)


def _is_past(moment: datetime | None, seconds: float) -> bool:
    return moment is not None and (clock.now() - moment).total_seconds() > seconds
