"""Poll a batch at the provider, and collect its results when all of it has ended."""

import logging
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Count

from runs.clock import Now, in_seconds
from runs.conf import conf
from runs.engine.batch_api import look_at, results_of
from runs.engine.journal import release_connection
from runs.engine.read_answer import whole
from runs.engine.secret_arguments import UNFIT_CALLS, calls_with_secrets
from runs.engine.signed_blocks import LEFT_OUT, fit_to_keep
from runs.errors import BatchEndedError, BrokenStreamError
from runs.maintenance.batches.take_in import take_in
from runs.models import BatchStatus, CallEnd, MessageBatch

LOST_AFTER_S = 26 * 3600.0  # the provider ends a batch after 24 hours
KEPT_S = 28 * 86400.0  # the provider keeps results for 29 days

log = logging.getLogger(__name__)


def poll(batch: MessageBatch) -> bool:
    """Ask the provider for the state of a batch. Returns whether it has ended."""
    assert batch.provider_id is not None
    release_connection()
    ended = look_at(batch.provider_id).has_ended
    in_progress = MessageBatch.objects.filter(pk=batch.pk, status=BatchStatus.IN_PROGRESS)
    if not ended:
        in_progress.update(next_look_at=in_seconds(conf().batch_poll_s), error="")
        return False
    in_progress.update(status=BatchStatus.ENDED, ended_at=Now(), error="")
    return True


def collect(batch: MessageBatch) -> int:
    """Take in the missing results of an ended batch. Returns how many there were.

    Raises: BatchEndedError if the provider shows fewer results than there are calls; what the SDK raises.
    """
    assert batch.provider_id is not None
    release_connection()
    taken, read = 0, 0
    for result in results_of(batch.provider_id):
        read += 1
        with suppress(ValueError):  # an id that is not ours
            taken += take_in(batch, UUID(result.custom_id), *_read(result.document))
    if read < batch.requests:
        raise BatchEndedError(f"{batch.provider_id} shows {read} results of {batch.requests}")
    lose(batch)
    return taken


def lose(batch: MessageBatch) -> None:
    """Close a batch without further results: a call without one counts as spent, and its run tries again."""
    for call in list(batch.calls.filter(end="").values_list("pk", flat=True)):
        take_in(batch, call, CallEnd.LOST, {"type": "lost"})
    ends = {row["end"]: row["count"] for row in batch.calls.order_by().values("end").annotate(count=Count("pk"))}
    MessageBatch.objects.filter(
        pk=batch.pk, status__in=[BatchStatus.SENDING, BatchStatus.IN_PROGRESS, BatchStatus.ENDED]
    ).update(
        status=BatchStatus.COLLECTED,
        next_look_at=None,
        collected_at=Now(),
        **{str(end): count for end, count in ends.items()},
    )


def _read(document: dict[str, Any]) -> tuple[CallEnd, dict[str, Any]]:
    """Return how a call ended, and what to keep of it. An unreadable answer counts as spent and as no answer.

    Notes which of its tool calls hold a secret before the secret is removed.
    """
    try:
        end = CallEnd(str(document.get("type")))
        if end == CallEnd.SUCCEEDED:
            message = whole(document.get("message"), model="")
            message[UNFIT_CALLS] = calls_with_secrets(message)
            message["content"], message[LEFT_OUT] = fit_to_keep(message["content"])
            document = {**document, "message": message}
    except (ValueError, BrokenStreamError) as error:
        log.error("a batch holds a result that cannot be read: %s", str(error)[:500])
        return CallEnd.LOST, {"type": "lost"}
    return end, document
