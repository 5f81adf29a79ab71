"""How soon a run starts when the one that blocked it ends: a lane that lets one run work at a time, many behind it."""

import statistics
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.db import connection

from agentops.lab.bench.agents import BenchTurn
from agentops.lab.bench.backlog import queued_runs
from agentops.lab.bench.place import MeasurementError
from agentops.stack import Stack
from runs import clock
from runs.models import QueueLane, Run
from runs.models.queue_lane import lane_for
from runs.operations.accounts import make_member, make_tenant
from runs.states import RunStatus

WORKERS = 2
_ENDS_IN_S = 120.0
_POLL_S = 0.1


def measure_promotion(*, blocked: int, starts: int) -> dict[str, Any]:
    """Let two workers work off a number of the blocked runs, and look at the gaps between them.

    Shape: `{"p50_ms", "p95_ms", "max_ms", "over_admitted", "blocked", "starts", …}`: from the end of a run to the
    start of the next, by the database's clock. `over_admitted` counts those that began before the one before ended.
    """
    tenant = make_tenant("bench")
    lane = lane_for(queue=BenchTurn.queue, tenant=tenant, job_type=BenchTurn.name, cap=BenchTurn.max_running_per_tenant)
    Run.objects.bulk_create(queued_runs([lane], blocked, make_member(tenant, None).pk, clock.now()), batch_size=1000)
    QueueLane.objects.filter(pk=lane.pk).update(queued=blocked)
    stack = Stack()
    with stack:
        for number in range(WORKERS):
            stack.worker(f"bench-worker-{number}", [BenchTurn.queue])
        _await_ends(starts)
    gaps_ms = _gaps_ms()
    cuts = statistics.quantiles(gaps_ms, n=100, method="inclusive")
    return {
        "database": connection.vendor,
        "blocked": blocked,
        "starts": len(gaps_ms),
        "p50_ms": round(cuts[49], 1),
        "p95_ms": round(cuts[94], 1),
        "max_ms": round(max(gaps_ms), 1),
        "over_admitted": sum(gap < 0 for gap in gaps_ms),
    }


def _await_ends(count: int) -> None:
    ends_at = time.monotonic() + _ENDS_IN_S
    while Run.objects.filter(status=RunStatus.COMPLETED).count() < count:
        if time.monotonic() > ends_at:
            raise MeasurementError(f"fewer than {count} blocked runs were worked off in {_ENDS_IN_S:g} s")
        time.sleep(_POLL_S)  # other processes: there is nothing to wait on


def _gaps_ms() -> list[float]:
    """Read the time between each end and the next start. The first run was blocked by nothing."""
    ended = Run.objects.filter(status=RunStatus.COMPLETED).order_by("started_at")
    times: Iterable[tuple[Any, Any]] = ended.values_list("started_at", "finished_at")
    return [(start - end) / timedelta(milliseconds=1) for (_, end), (start, _) in pairwise(times)]
