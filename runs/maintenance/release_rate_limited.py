"""Releasing runs that wait for a rate limit of their model: as many as fit, tenants in turn, no stampede.

A run is released a little early and waits the rest in its slot, so that the rate is used to the full.
"""

from collections.abc import Sequence

from django.db.models import QuerySet

from runs import clock
from runs.conf import conf
from runs.engine.limits.blocked import BlockingReasons
from runs.engine.rate_limits import bucket
from runs.engine.rate_limits.active import ActiveLimit, limits_for, models_with_waiting_runs
from runs.engine.rate_limits.permits import MAX_WAIT_S, longest_wait, look
from runs.engine.sleep import try_to_wake
from runs.models import CircuitBreaker, Run
from runs.models.fair_order import in_turn
from runs.states import HoldReason, RunStatus

_BATCH = 200
_ARRIVES_IN_SWEEPS = 2  # a released run that has not asked after this many found no slot, and counts no more


def release_rate_limited() -> int:
    """Release the runs whose permit is due. Returns how many."""
    return sum(_release(breaker) for breaker in models_with_waiting_runs().filter(open_until__isnull=True))


def _release(breaker: CircuitBreaker) -> int:
    forecast = Forecast(limits_for(breaker.model))
    for run in _on_their_way(breaker.model):
        forecast.count(run)
    released, blocking = 0, BlockingReasons()
    for run in _in_their_order(breaker)[:_BATCH]:
        if blocking.hold(run):
            continue  # no claim would take it, so it must not be counted
        if not forecast.fits(run):
            break
        released += try_to_wake(run, actor="rate limit")
    return released


class Forecast:
    """What the rate limits of a model will have left when all released runs have taken their permits."""

    def __init__(self, limits: Sequence[ActiveLimit]) -> None:
        self._buckets = look(limits)

    def fits(self, run: Run) -> bool:
        """Say whether a run would get its permit within the wait of a slot; count it if so."""
        fits = longest_wait(self._buckets, _amounts(run)).wait_s <= MAX_WAIT_S
        if fits:
            self.count(run)
        return fits

    def count(self, run: Run) -> None:
        """Take off what a run will use."""
        for _, one in self._buckets:
            bucket.take(one, _amounts(run))


def _amounts(run: Run) -> tuple[float, float, float]:
    return 1.0, float(run.rate_need["input_tokens"]), float(run.rate_need["output_tokens"])


def _on_their_way(model: str) -> list[Run]:
    """Find the runs that were released a moment ago and have not asked yet."""
    since = clock.in_seconds(-_ARRIVES_IN_SWEEPS * conf().sweep_s)
    queued = Run.objects.filter(status=RunStatus.QUEUED, rate_need__isnull=False, circuit_breaker=None)
    released = queued.filter(queued_at__gte=since)
    return [run for run in released[:_BATCH] if run.rate_need["model"] == model]


def _in_their_order(breaker: CircuitBreaker) -> QuerySet[Run]:
    """One of each tenant, then another of each; first the tenant that was served longest ago, and its best run."""
    waiting = Run.objects.filter(circuit_breaker=breaker, status=RunStatus.QUEUED, hold_reason=HoldReason.RATE)
    return in_turn(waiting, "attempts", "rank")
