"""What waiting runs cost: the time that real workers use, and how soon they start a run, with a crowd and without.

Starts are measured without the crowd, with it, and without it again, so that a machine that grows slower meanwhile
counts for both.
"""

import os
import statistics
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction

from agentops.lab.bench.agents import BenchBlink
from agentops.lab.bench.crowd import disperse_crowd, gather_crowd, one_that_waits
from agentops.lab.bench.place import MeasurementError
from agentops.stack import Stack
from runs import clock
from runs.invariants.every import breaches
from runs.models import Run, Tenant, Worker
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.states import RunStatus
from runs.worker.supervisor import Child

WORKERS = 2
_COMES_UP_IN_S = 60.0
_ENDS_IN_S = 30.0
_BETWEEN_POSTS_S = 0.1  # the slot that was busy has looked for more and found nothing
_POLL_S = 0.01
_CALM_S = 5.0  # after a great change, so that its echo is not measured


def measure_waiting(*, waiting: int, seconds: float, posts: int) -> dict[str, Any]:
    """Measure two workers with waiting runs, and without.

    Shape: `{"cpu_percent", "cpu_percent_alone", "start_ratio", "start_p50_ms", "alone_p50_ms", "breaches", …}`; the
    CPU is that of the worse worker, in percent of one core.
    """
    tenant = make_tenant("bench")
    user = make_member(tenant, None)
    first = one_that_waits(tenant=tenant, user=user)
    starts = partial(_starts_ms, tenant=tenant, user=user)
    stack = Stack()
    with stack:
        workers = [stack.worker(f"bench-worker-{number}", [BenchBlink.queue]) for number in range(WORKERS)]
        _await_workers()
        cpu_alone = _cpu_percent(workers, seconds)
        alone = starts(posts // 2)
        gather_crowd(first, count=waiting)
        _settle()
        cpu = _cpu_percent(workers, seconds)
        crowded = starts(posts)
        broken = list(breaches())
        disperse_crowd(first)
        _settle()
        alone += starts(posts - posts // 2)
    return {
        "database": connection.vendor,
        "waiting": waiting,
        "seconds": seconds,
        "cpu_percent": cpu,
        "cpu_percent_alone": cpu_alone,
        "start_ratio": round(statistics.median(crowded) / statistics.median(alone), 2),
        **_percentiles("start", crowded),
        **_percentiles("alone", alone),
        "breaches": len(broken),
    }


def _await_workers() -> None:
    ends_at = time.monotonic() + _COMES_UP_IN_S
    while Worker.objects.filter(stopped_at=None).count() < WORKERS:
        if time.monotonic() > ends_at:
            raise MeasurementError("the workers did not come up")
        time.sleep(_POLL_S)  # other processes: there is nothing to wait on
    time.sleep(_CALM_S)  # what a start costs is not to be counted


def _settle() -> None:
    """Let PostgreSQL count its rows, as it does by itself after a while, and everybody come to rest."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    time.sleep(_CALM_S)  # what the filling has set going is not to be counted


# The time that workers use


def _cpu_percent(workers: Sequence[Child], seconds: float) -> float:
    """Look at the workers for a while, without touching the database. Returns percent of one core, the worse one."""
    before = [_cpu_s(child) for child in workers]
    connection.close()
    time.sleep(seconds)  # the measured time
    used = [_cpu_s(child) - at_first for child, at_first in zip(workers, before, strict=True)]
    return round(100 * max(used) / seconds, 2)


def _cpu_s(child: Child) -> float:
    """Read how much time a process has used. Raises: MeasurementError where there is no /proc, or it has died."""
    try:
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError as error:
        raise MeasurementError(f"the time that {child.name} uses cannot be read: {error}") from error
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# How soon a run starts


def _starts_ms(posts: int, *, tenant: Tenant, user: AbstractBaseUser) -> list[float]:
    return [_start_ms(tenant, user) for _ in range(posts)]


def _start_ms(tenant: Tenant, user: AbstractBaseUser) -> float:
    """Post a run; return the time from its commit to its claim, by the database's clock."""
    committed: list[datetime] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(clock.now()))  # before the bell, which is rung after it
        request = RunRequest(job_type=BenchBlink.name, input={})
        run, _ = post_run(request, tenant=tenant, user=user, origin="bench")
    started_at = _started_at(run.pk)
    time.sleep(_BETWEEN_POSTS_S)  # each post finds the workers idle
    return max(0.0, (started_at - committed[0]) / timedelta(milliseconds=1))


def _started_at(run_id: UUID) -> datetime:
    """Wait until the run has completed; return when it was first claimed."""
    ends_at = time.monotonic() + _ENDS_IN_S
    while time.monotonic() < ends_at:
        run = Run.objects.only("status", "started_at").get(pk=run_id)
        if run.state == RunStatus.COMPLETED and run.started_at:
            return run.started_at
        time.sleep(_POLL_S)  # another process works on it
    raise MeasurementError(f"a posted run did not complete within {_ENDS_IN_S:g} s")


def _percentiles(name: str, values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {f"{name}_p50_ms": round(cuts[49], 1), f"{name}_p99_ms": round(cuts[98], 1)}
