"""Permits: what a model call takes from its rate limits, under the locks of their buckets.

Buckets are locked in the order of their limits, and after everything else that a transaction locks.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from runs import clock
from runs.engine.rate_limits import bucket
from runs.engine.rate_limits.active import ActiveLimit
from runs.engine.rate_limits.bucket import Bucket
from runs.engine.rate_limits.estimate import Estimate
from runs.errors import NoPermitError
from runs.models import RateLimitBucket

MAX_WAIT_S = 2.0

Buckets = Sequence[tuple[ActiveLimit, Bucket]]


@dataclass(frozen=True, slots=True)
class AcquireResult:
    """How long a call must wait, and for which limit and which of its three dimensions."""

    wait_s: float = 0.0
    limit: ActiveLimit | None = None
    dimension: int = 0


@dataclass(slots=True)
class Permit:
    """The permit of one model call. The caller notes that the call was sent, and what came back."""

    model: str
    limits: Sequence[ActiveLimit]
    estimate: Estimate
    max_wait_s: float
    is_taken: bool = False
    sent: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)  # the rate limit headers,
    headers_at: float = 0.0  # and when they came, by the process's own clock
    message: Mapping[str, Any] | None = None

    @property
    def is_due(self) -> bool:
        """Whether the intent must take it. Not where no limit covers the model, or when it was acquired ahead."""
        return bool(self.limits) and not self.is_taken

    def take(self) -> None:
        """Take it within the transaction of the intent. Raises: NoPermitError if there is no room right now."""
        if _take(self.limits, self.estimate.amounts, max_wait_s=0.0).wait_s:
            raise NoPermitError(f"the rate limits of {self.model} have no room right now")


def acquire(limits: Sequence[ActiveLimit], amounts: Sequence[float], *, max_wait_s: float) -> AcquireResult:
    """Take amounts from all buckets, or from none if the wait is longer than `max_wait_s`."""
    with transaction.atomic():
        return _take(limits, amounts, max_wait_s=max_wait_s)


def look(limits: Sequence[ActiveLimit]) -> Buckets:
    """Read the buckets as they are now, without a lock."""
    return _refilled(limits, {row.rate_limit_id: row for row in _rows(limits)}) if limits else []


def longest_wait(buckets: Buckets, amounts: Sequence[float]) -> AcquireResult:
    """Find the limit that makes these amounts wait longest. The buckets were refilled just now."""
    longest = AcquireResult()
    for limit, one in buckets:
        wait_s, dimension = bucket.wait_s(one, limit.quota, amounts)
        if wait_s > longest.wait_s:
            longest = AcquireResult(wait_s, limit, dimension)
    return longest


def _take(limits: Sequence[ActiveLimit], amounts: Sequence[float], *, max_wait_s: float) -> AcquireResult:
    with locked_buckets(limits) as buckets:
        result = longest_wait(buckets, amounts)
        if result.wait_s <= max_wait_s:
            for _, one in buckets:
                bucket.take(one, amounts)
    return result


@contextmanager
def locked_buckets(limits: Sequence[ActiveLimit]) -> Iterator[Buckets]:
    """Lock the buckets until the transaction ends, and write them back."""
    rows = {row.rate_limit_id: row for row in _rows(limits).select_for_update().order_by("rate_limit")}
    buckets = _refilled(limits, rows)
    yield buckets
    for limit, one in buckets:
        RateLimitBucket.objects.filter(rate_limit=limit.pk).update(state=one.as_json())


def _rows(limits: Sequence[ActiveLimit]) -> QuerySet[RateLimitBucket]:
    return RateLimitBucket.objects.filter(rate_limit__in=[limit.pk for limit in limits])


def _refilled(limits: Sequence[ActiveLimit], rows: Mapping[int, RateLimitBucket]) -> Buckets:
    """Bring buckets up to now. A limit that was deleted a moment ago has none."""
    now = clock.now().timestamp()
    buckets = [(limit, Bucket(**rows[limit.pk].state)) for limit in limits if limit.pk in rows]
    for limit, one in buckets:
        bucket.refill(one, limit.quota, now)
    return buckets
