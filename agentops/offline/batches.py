"""Message batches: requests that are answered together, later and unordered. No sockets here.

Source: the provider's batch processing page (ids, statuses, results only once all have ended, 24 hours).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from agentops.offline.answers import Answers
from agentops.offline.errors import InvalidRequestError, OfflineApiError, checked
from agentops.offline.jsontext import JsonObject, compact_ascii
from agentops.offline.log import RequestLog
from agentops.offline.reply import mint
from agentops.offline.shapes import Exact

MAX_REQUESTS = 100_000
MAX_PAGE = 1_000
EXPIRES_AFTER_S = 24 * 3600
ENDINGS = ("succeeded", "errored", "canceled", "expired")


class _Request(Exact):
    custom_id: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    params: JsonObject


class _NewBatch(BaseModel):
    requests: Annotated[list[_Request], Field(min_length=1, max_length=MAX_REQUESTS)]


@dataclass(slots=True)
class OfflineBatch:
    """One batch. Times are Unix times; `results` is filled when it ends."""

    id: str
    created_at: float
    ends_at: float
    requests: list[_Request]
    cancelled_at: float | None = None
    ended_at: float | None = None
    results: list[JsonObject] = field(default_factory=list)


class Batches:
    """All batches of one offline model. Each `base_url` is how its client reaches the model."""

    def __init__(self, answers: Answers, log: RequestLog, *, ends_after_s: float, clock: Callable[[], float]) -> None:
        self._answers = answers
        self._log = log
        self._ends_after_s = ends_after_s
        self._clock = clock
        self._batches: dict[str, OfflineBatch] = {}  # oldest first

    def create(self, body: JsonObject, *, base_url: str) -> tuple[JsonObject, bool]:
        """Make a batch; return its document, and whether that is lost on its way.

        Raises: OfflineApiError when it is refused as a whole.
        """
        requests = _checked(body)
        faults = {self._answers.batch_fault(request.params, at=self._clock()) for request in requests}
        if "batch_refused" in faults:
            raise OfflineApiError(529, "overloaded_error", "Overloaded")
        if "batch_not_made" in faults:
            return {}, True
        now = self._clock()
        batch = OfflineBatch(mint("msgbatch"), now, now + self._ends_after_s, requests)
        self._batches[batch.id] = batch
        return self.one(batch.id, base_url=base_url), "batch_lost" in faults

    def one(self, batch_id: str, *, base_url: str) -> JsonObject:
        """Describe a batch. Raises: OfflineApiError if there is none."""
        return self._document(self._looked_at(batch_id), base_url)

    def page(self, query: dict[str, str], *, base_url: str) -> JsonObject:
        """List batches, newest first, from where `after_id` or `before_id` say."""
        ids = list(reversed(self._batches))
        limit = min(MAX_PAGE, int(query.get("limit") or 20))
        if query.get("before_id"):
            end = ids.index(query["before_id"]) if query["before_id"] in ids else 0
            start = max(0, end - limit)
        else:
            start = ids.index(query["after_id"]) + 1 if query.get("after_id") in ids else 0
            end = start + limit
        shown = ids[start:end]
        return {
            "data": [self.one(batch_id, base_url=base_url) for batch_id in shown],
            "has_more": start > 0 if query.get("before_id") else end < len(ids),
            "first_id": shown[0] if shown else None,
            "last_id": shown[-1] if shown else None,
        }

    def cancel(self, batch_id: str, *, base_url: str) -> JsonObject:
        """Begin to cancel a batch: it ends at the next look, what is not answered being `canceled`."""
        batch = self._found(batch_id)
        if batch.ended_at:
            raise InvalidRequestError(f"Batch {batch_id} has already ended.")
        batch.cancelled_at = batch.cancelled_at or self._clock()
        return self._document(batch, base_url)

    def results(self, batch_id: str) -> bytes:
        """Write the results, one JSON line each, in another order. Raises: OfflineApiError before the end."""
        batch = self._looked_at(batch_id)
        if not batch.ended_at:
            raise OfflineApiError(404, "not_found_error", f"Batch {batch_id} has no results yet.")
        return b"".join(compact_ascii(result).encode() + b"\n" for result in reversed(batch.results))

    def _found(self, batch_id: str) -> OfflineBatch:
        batch = self._batches.get(batch_id)
        if batch is None:
            raise OfflineApiError(404, "not_found_error", f"Batch {batch_id} not found.")
        return batch

    def _looked_at(self, batch_id: str) -> OfflineBatch:
        """Find a batch, which ends if it is due."""
        batch, now = self._found(batch_id), self._clock()
        if not batch.ended_at and (batch.cancelled_at or now >= batch.ends_at):
            batch.results = [self._result(request, batch) for request in batch.requests]
            batch.ended_at = now
        return batch

    def _document(self, batch: OfflineBatch, base_url: str) -> JsonObject:
        endings = [result["result"].get("type") for result in batch.results]
        counts = Counter(ending if ending in ENDINGS else "errored" for ending in endings)
        status = "ended" if batch.ended_at else "canceling" if batch.cancelled_at else "in_progress"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {
                "processing": 0 if batch.ended_at else len(batch.requests),
                **{ending: counts[ending] for ending in ENDINGS},
            },
            "created_at": _moment(batch.created_at),
            "expires_at": _moment(batch.created_at + EXPIRES_AFTER_S),
            "ended_at": _moment(batch.ended_at),
            "archived_at": None,
            "cancel_initiated_at": _moment(batch.cancelled_at),
            "results_url": f"{base_url}/v1/messages/batches/{batch.id}/results" if batch.ended_at else None,
        }

    def _result(self, request: _Request, batch: OfflineBatch) -> JsonObject:
        """Answer one request as of the batch's making, when the provider began; log it as if it had come alone."""
        canceled = batch.cancelled_at is not None and batch.cancelled_at < batch.ends_at
        answered: JsonObject = (
            {"type": "canceled"} if canceled else self._answers.batched(request.params, at=batch.created_at)
        )
        succeeded = answered.get("type") == "succeeded"
        self._log.record(
            request.params,
            at=self._clock(),
            request_id="",
            status=200 if succeeded else 400,
            fault=None if succeeded else answered.get("type"),
            response=answered.get("message"),
            aborted=False,
        )
        return {"custom_id": request.custom_id, "result": answered}


def _checked(body: JsonObject) -> list[_Request]:
    """Refuse what the API refuses before it makes a batch; what is wrong in one request shows in its result."""
    requests = checked(_NewBatch, body).requests
    seen: set[str] = set()
    for index, request in enumerate(requests):
        if request.custom_id in seen:
            raise InvalidRequestError(f"requests.{index}.custom_id: {request.custom_id} is not unique in the batch")
        if request.params.get("stream"):
            raise InvalidRequestError(f"requests.{index}.params.stream: streaming is not supported in batches")
        seen.add(request.custom_id)
    return requests


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
