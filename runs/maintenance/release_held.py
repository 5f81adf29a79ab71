"""Releasing runs that an open circuit holds: one to probe it when its pause is over, all once it is closed."""

from django.db.models import Exists, OuterRef, QuerySet

from runs import clock
from runs.engine.circuit_breaker import is_not_probed
from runs.engine.sleep import try_to_wake
from runs.models import CircuitBreaker, Run
from runs.models.fair_order import in_turn
from runs.states import HoldReason, RunStatus

_BATCH = 200  # a circuit that closes for thousands releases them over several sweeps


def release_held() -> int:
    """Release every run whose circuit allows it. Returns how many."""
    # Only what is queued is held; said, so that the index of the held runs is used and not every run looked at.
    queued = Run.objects.filter(status=RunStatus.QUEUED)
    held = queued.filter(circuit_breaker=OuterRef("pk"))
    by_breaker = held.filter(hold_reason=HoldReason.CIRCUIT)
    closed = CircuitBreaker.objects.filter(Exists(by_breaker), open_until__isnull=True)
    to_probe = CircuitBreaker.objects.filter(is_not_probed(), Exists(held), open_until__lte=clock.Now())
    # The run that was held longest probes: a request that fails by its own fault must not be every probe.
    probes = (queued.filter(circuit_breaker=breaker).order_by("queued_at")[:1] for breaker in to_probe)
    waiting = queued.filter(hold_reason=HoldReason.CIRCUIT)
    released = sum(_release(in_turn(waiting.filter(circuit_breaker=breaker), "rank")[:_BATCH]) for breaker in closed)
    return released + sum(_release(probe) for probe in probes)


def _release(held: QuerySet[Run]) -> int:
    return sum(try_to_wake(run, actor="circuit breaker") for run in held)
