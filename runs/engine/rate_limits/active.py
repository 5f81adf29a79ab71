"""The rate limits in force, as the engine reads them: at most once a second in each process."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from runs import clock
from runs.conf import conf
from runs.engine.rate_limits.bucket import Quota, empty
from runs.models import EVERY_MODEL, PROVIDER, CircuitBreaker, RateLimit, RateLimitBucket, Run
from runs.states import HoldReason, RunStatus
from runs.ttl_cache import TTLCache


@dataclass(frozen=True, slots=True)
class ActiveLimit:
    """One row: its models and what it allows."""

    pk: int
    name: str
    model_class: str
    quota: Quota

    def covers(self, model: str) -> bool:
        """Say whether calls of this model count."""
        return self.model_class == EVERY_MODEL or model.startswith(self.model_class)


@dataclass(frozen=True, slots=True)
class Active:
    """What was read a moment ago. `crowded` are the models for whose permits runs wait."""

    limits: tuple[ActiveLimit, ...] = ()
    crowded: frozenset[str] = frozenset()


def limits_for(model: str) -> Sequence[ActiveLimit]:
    """List the rate limits that a call of this model must fit into."""
    return [limit for limit in active_limits().limits if limit.covers(model)]


def models_with_waiting_runs() -> QuerySet[CircuitBreaker]:
    """The circuit breakers of the models for whose permits runs wait."""
    # Worded as the index of the held runs, so that not every run is read.
    waiting = Run.objects.filter(circuit_breaker=OuterRef("pk"), status=RunStatus.QUEUED, hold_reason=HoldReason.RATE)
    return CircuitBreaker.objects.filter(Exists(waiting))


def _read() -> Active:
    rows = RateLimit.objects.filter(provider=PROVIDER, workspace__in={"", conf().provider_workspace})
    found = list(rows.select_related("bucket").order_by("pk"))
    if not found:
        return Active()
    if new := [row for row in found if not hasattr(row, "bucket")]:
        state = empty(clock.now().timestamp()).as_json()
        buckets = [RateLimitBucket(rate_limit=row, state=state) for row in new]
        RateLimitBucket.objects.bulk_create(buckets, ignore_conflicts=True)
    crowded = models_with_waiting_runs().values_list("model", flat=True)
    return Active(tuple(_limit_of(row) for row in found), frozenset(crowded))


def _limit_of(row: RateLimit) -> ActiveLimit:
    per_minute = (row.requests_per_minute, row.input_tokens_per_minute, row.output_tokens_per_minute)
    return ActiveLimit(row.pk, str(row), row.model_class, Quota(per_minute, row.ramp_s))


active_limits = TTLCache("the rate limits", _read)
forget_rate_limits = active_limits.clear
