"""Letting runs go on that wait for the pace of their model: as many as fit, tenants in turn, no stampede.

A run is let go a little before its turn, so that it waits the rest in its slot and the rate is used to the full.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from runs import clock
from runs.conf import conf
from runs.engine.pacing import bucket, change_over
from runs.engine.pacing.bucket import Bucket
from runs.engine.pacing.hold import let_go_on
from runs.engine.pacing.in_database import longest_wait
from runs.engine.pacing.rows import Terms, paces_for, waiting_for_pace
from runs.engine.pacing.turns import PATIENCE_S
from runs.engine.standing import Standing
from runs.errors import StaleRunError
from runs.models import CircuitBreaker, Run
from runs.models.in_turn import in_turn
from runs.states import RunStatus

_BATCH = 200
_ARRIVES_IN_SWEEPS = 2  # one that was let go and has not come after so many finds no slot: nobody waits for it


def wake_paced() -> int:
    """Let go on whoever may ask soon. Returns how many."""
    return sum(_wake(breaker) for breaker in waiting_for_pace().filter(open_until__isnull=True))


def _wake(breaker: CircuitBreaker) -> int:
    forecast = Forecast(paces_for(breaker.model))
    for run in _on_their_way(breaker.model):
        forecast.count(run)
    woken, standing = 0, Standing()
    for run in _in_their_order(breaker)[:_BATCH]:
        if standing.holds(run):
            continue  # no claim would take it, so it must not be counted
        if not forecast.fits(run):
            break
        woken += _let_go(run)
    return woken


class Forecast:
    """What the paces of a model will have left, if everybody who was let go asks for what it needs."""

    def __init__(self, paces: Sequence[Terms]) -> None:
        self._paces = paces
        self._buckets: list[Bucket] = change_over.peek(paces) if paces else []

    def fits(self, run: Run) -> bool:
        """Say whether a run may ask now, having to wait for no longer than a slot waits; and count it if so."""
        fits = longest_wait(self._buckets, self._paces, _need(run)).wait_s <= PATIENCE_S
        if fits:
            self.count(run)
        return fits

    def count(self, run: Run) -> None:
        """Reckon with its need."""
        for one in self._buckets:
            bucket.take(one, _need(run))


def _need(run: Run) -> tuple[float, float, float]:
    return 1.0, float(run.pace_need["input_tokens"]), float(run.pace_need["output_tokens"])


def _on_their_way(model: str) -> list[Run]:
    """Find those that were let go a moment ago and have not asked yet."""
    since = clock.in_seconds(-_ARRIVES_IN_SWEEPS * conf().sweep_s)
    woken = Run.objects.filter(status=RunStatus.QUEUED, pace_need__isnull=False, held_by=None, queued_at__gte=since)
    return [run for run in woken[:_BATCH] if run.pace_need["model"] == model]


def _in_their_order(breaker: CircuitBreaker) -> QuerySet[Run]:
    """One of each tenant, then another of each; first the tenant that was served longest ago, and its best run."""
    waiting = Run.objects.filter(held_by=breaker, status=RunStatus.QUEUED, pace_need__isnull=False)
    return in_turn(waiting, "attempts", "rank")


def _let_go(run: Run) -> bool:
    try:
        with transaction.atomic():
            let_go_on(run, actor="pace")
    except StaleRunError:
        return False
    return True
