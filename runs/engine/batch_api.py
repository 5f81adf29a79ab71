"""The Message Batches API through the real SDK: create, poll, find and read batches. No rows here.

Source: the provider's batch processing page. There is no idempotency key and no webhook.
"""

import json
import logging
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import anthropic

from runs import clock
from runs.engine.classifier import may_have_spent
from runs.engine.interruptible import interruptible
from runs.engine.provider import client
from runs.errors import ModelTimeoutError
from runs.strict_json import strict_json

log = logging.getLogger(__name__)

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch as the provider shows it."""

    id: str
    has_ended: bool
    requests: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the results. Shape of `document`: the API's result, with its `type`."""

    custom_id: str
    document: dict[str, Any]


def create(requests: Iterable[tuple[str, str]], *, timeout_s: float) -> str:
    """Create a batch of (custom id, request as JSON); return its id.

    Raises: what the SDK raises; ModelTimeoutError, so that no request is still in flight when the batch is looked for.
    """
    ends_at = clock.monotonic() + timeout_s

    def may_go_on() -> None:
        if clock.monotonic() > ends_at:
            raise ModelTimeoutError(f"making a batch took longer than {timeout_s:g} s")

    listed = [{"custom_id": custom_id, "params": json.loads(body)} for custom_id, body in requests]
    with interruptible(may_go_on):
        return client().messages.batches.create(requests=cast("Any", listed)).id


def look_at(batch_id: str) -> Seen:
    """Fetch the state of a batch. Raises: what the SDK raises."""
    return _seen(client().messages.batches.retrieve(batch_id))


def made_since(moment: datetime) -> Iterator[Seen]:
    """List the batches of the workspace created since a moment, newest first. Raises: what the SDK raises."""
    for batch in client().messages.batches.list(limit=_PAGE):
        if batch.created_at < moment:
            return
        yield _seen(batch)


def results_of(batch_id: str) -> Generator[Result]:
    """Read the results of an ended batch, in no order; unreadable lines are skipped.

    Raises: what the SDK raises; httpx2 errors.
    """
    response = client().messages.batches.results(batch_id).http_response
    try:
        for line in _lines(response.iter_bytes()):
            try:
                document = strict_json(line)
                yield Result(str(document["custom_id"]), dict(document["result"]))
            except (ValueError, TypeError, KeyError):
                log.warning("batch %s: a line of its results cannot be read", batch_id)
    finally:
        response.close()


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Split bytes at line feeds only: the texts may hold other characters that `splitlines` treats as line ends."""
    left = b""
    for piece in pieces:
        *lines, left = (left + piece).split(b"\n")
        yield from filter(bytes.strip, lines)
    if left.strip():
        yield left


def was_surely_not_made(error: Exception) -> bool:
    """Say whether a failed create certainly made no batch: it was rejected, or no server was reached."""
    return not may_have_spent(error)


def _seen(batch: anthropic.types.messages.MessageBatch) -> Seen:
    counts = batch.request_counts
    total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
    return Seen(batch.id, batch.processing_status == "ended", total, batch.created_at)
