"""What a claim costs when very many runs wait, and whether a cap holds when very many claim at once."""

import statistics
import threading
import time
from typing import Any
from uuid import uuid4

from django.db import connection

from agentops.lab.bench.agent import BenchAgent
from agentops.lab.bench.backlog import queued_runs
from runs import clock
from runs.engine.lease import Lease
from runs.models import QueueLane, Run, Tenant
from runs.models.moves import Guard, transition
from runs.models.queue_lane import rank_of
from runs.operations.accounts import make_member, make_tenant
from runs.queue.claim import claim_next
from runs.states import RunStatus

CAP = 2
_BATCH = 5_000


def measure_claims(*, queued: int, tenants: int, claims: int, threads: int) -> dict[str, Any]:
    """Fill the queue, claim one after the other, then with many threads against a cap.

    Shape: `{"p50_ms", "p99_ms", "threads_p50_ms", "threads_p99_ms", "over_admitted", "queued", "tenants", …}`.
    """
    _fill(queued, tenants)
    alone = [_timed_claim()[0] for _ in range(claims + 20)][20:]
    QueueLane.objects.update(cap=CAP)
    crowd, over_admitted = _crowd(threads, claims)
    return {
        "database": connection.vendor,
        "queued": queued,
        "tenants": tenants,
        "p50_ms": _percentile(alone, 50),
        "p99_ms": _percentile(alone, 99),
        "threads": threads,
        "threads_p50_ms": _percentile(crowd, 50),
        "threads_p99_ms": _percentile(crowd, 99),
        "cap": CAP,
        "over_admitted": over_admitted,
    }


def _fill(queued: int, tenants: int) -> None:
    user = make_member(make_tenant("bench"), None)
    now = clock.now()
    Tenant.objects.bulk_create(Tenant(slug=f"bench-{number}") for number in range(tenants))
    owners = list(Tenant.objects.filter(slug__startswith="bench-"))
    each = queued // tenants
    first = rank_of(now.timestamp() - queued, 5)
    QueueLane.objects.bulk_create(
        QueueLane(
            queue=BenchAgent.queue, tenant=owner, job_type=BenchAgent.name, queued=each, turn_ended_at=first + place
        )
        for place, owner in enumerate(owners)
    )
    lanes = list(QueueLane.objects.order_by("turn_ended_at"))
    Run.objects.bulk_create(queued_runs(lanes, each, user.pk, now), batch_size=_BATCH)


def _timed_claim() -> tuple[float, tuple[Run, Lease] | None]:
    begun = time.perf_counter()
    claimed = claim_next([BenchAgent.queue], worker_id=uuid4(), worker_name="bench")
    return (time.perf_counter() - begun) * 1000, claimed


def _crowd(threads: int, claims: int) -> tuple[list[float], int]:
    """Claim with many threads, hold a moment, end; count how often a lane had more running than its cap."""
    times: list[float] = []
    over: list[Run] = []

    def work() -> None:
        for _ in range(claims // threads):
            took_ms, claimed = _timed_claim()
            times.append(took_ms)
            if claimed:
                run, lease = claimed
                if Run.objects.filter(queue_lane=run.queue_lane_id, status=RunStatus.RUNNING).count() > CAP:
                    over.append(run)
                transition(run, to=RunStatus.COMPLETED, only=Guard(fence=lease.fence), output="")
        connection.close()

    QueueLane.objects.exclude(pk__in=QueueLane.objects.order_by("turn_ended_at").values("pk")[:4]).update(
        queued=0
    )  # few lanes: they meet
    Run.objects.filter(status=RunStatus.RUNNING).update(status=RunStatus.QUEUED, lease_expires_at=None, worker=None)
    QueueLane.objects.update(running=0)
    crowd = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return times, len(over)


def _percentile(values: list[float], percent: int) -> float:
    return float(round(statistics.quantiles(values, n=100)[percent - 1], 3))
