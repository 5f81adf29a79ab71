"""Explain why a run waits for a slot: its place in the queue, the number of slots, and when one is free at the latest.

Counted for many runs at once, and only up to `FAR`: the cost of a list must not grow with the backlog.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Max, Min, Sum

from runs.conf import conf
from runs.models import QueueLane, Run, RunEvent, Worker
from runs.models.queue_lane import ROOM
from runs.models.sql import adapt
from runs.states import RunStatus

FAR = 100  # maximum number of earlier runs counted, of the same tenant

_BEFORE = f"""
    SELECT r."id", (
        SELECT COUNT(*) FROM (
            SELECT 1 FROM "runs_queuelane" l JOIN "runs_run" o ON o."queue_lane_id" = l."id"
            WHERE l."queue" = r."queue" AND l."tenant_id" = r."tenant_id" AND (l."cap" IS NULL OR l."running" < l."cap")
              AND o."status" = 'queued' AND o."hold_reason" = '' AND o."rank" < r."rank"
            LIMIT {FAR + 1}
        ) AS counted
    ) FROM "runs_run" r WHERE r."id" IN ({{ids}})
"""  # noqa: S608 (a number of ours)


class Place(NamedTuple):
    """The place of a queued run: how many are ahead, what it waits for, and until when at the latest."""

    before: int
    message: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TenantInQueue:
    """A tenant's turns in one queue, and how many of its runs might start."""

    turn_ended_at: float
    weight: int
    queued: int

    def starts_before(self, other: "TenantInQueue", runs: int) -> int:
        """Count the runs that it starts before another tenant starts one that has this many of its own ahead."""
        turns = runs // other.weight + (self.turn_ended_at < other.turn_ended_at)
        return min(turns * self.weight, self.queued)


class LaneFacts:
    """The lanes of these runs, each fact looked up once for all of them."""

    def __init__(self, runs: Iterable[Run], workers: Sequence[Worker]) -> None:
        self._runs = [run for run in runs if run.state == RunStatus.QUEUED and not run.hold_reason]
        self._workers = workers

    def place(self, run: Run) -> Place:
        """Find the place of a queued run."""
        serving = [worker for worker in self._workers if run.queue in worker.queues]
        free = sum(max(0, worker.slots - len(self._ends[worker.pk])) for worker in serving)
        ends = sorted(end for worker in serving for end in self._ends[worker.pk])
        slots = f"{free} of {sum(worker.slots for worker in serving)} slots are free"
        before, is_counted = self._before(run)
        if not is_counted:
            return Place(before, f"waits for a slot: more than {before} runs are before it, {slots}")
        place = f"number {before + 1} in line, {slots}"
        if free > before:
            return Place(before, f"starts at the next look, within {conf().sweep_s:g} s: {place}")
        until = ends[before - free] if before - free < len(ends) else None
        known = ", enough of them by then at the latest" if until else ""
        return Place(before, f"waits for a slot: {place}{known}", until)

    def _before(self, run: Run) -> tuple[int, bool]:
        """Count the runs ahead of one, turns of other tenants among them, and say if all are counted."""
        own = self._before_of_tenant.get(run.pk, 0)
        tenants = self._tenants[run.queue]
        mine = tenants.get(run.tenant_id, TenantInQueue(turn_ended_at=0.0, weight=1, queued=0))
        others = (other.starts_before(mine, own) for pk, other in tenants.items() if pk != run.tenant_id)
        return own + sum(others), own <= FAR

    @cached_property
    def _before_of_tenant(self) -> dict[UUID, int]:
        """Count for each run the earlier runs of its own tenant."""
        if not self._runs:
            return {}
        ids = [adapt(Run, "id", run.pk) for run in self._runs]
        with connection.cursor() as cursor:
            cursor.execute(_BEFORE.format(ids=", ".join(["%s"] * len(ids))), ids)
            return {UUID(str(pk)): count for pk, count in cursor.fetchall()}

    @cached_property
    def _tenants(self) -> dict[str, dict[UUID, TenantInQueue]]:
        """Return the tenants that have runs that might start, by queue."""
        found: dict[str, dict[UUID, TenantInQueue]] = defaultdict(dict)
        lanes = QueueLane.objects.filter(ROOM, queue__in={run.queue for run in self._runs}, queued__gt=0)
        turns = lanes.values_list("queue", "tenant", "tenant__weight").annotate(Min("turn_ended_at"), Sum("queued"))
        for queue, tenant, weight, turn_ended_at, queued in turns:
            found[queue][tenant] = TenantInQueue(turn_ended_at, weight, queued)
        return found

    @cached_property
    def _ends(self) -> dict[UUID, list[datetime]]:
        """Return by worker when each of its runs will have used up its `timeout_s`."""
        held = Run.objects.filter(status=RunStatus.RUNNING, worker__in=[worker.pk for worker in self._workers])
        claims = RunEvent.objects.filter(run__in=held, kind="run.claimed").order_by()
        claimed = dict(claims.values_list("run").annotate(Max("at")))
        ends: dict[UUID, list[datetime]] = defaultdict(list)
        for pk, worker, timeout_s, spent_s in held.values_list("pk", "worker", "timeout_s", "running_s"):
            if worker and pk in claimed:
                ends[worker].append(claimed[pk] + timedelta(seconds=max(0.0, timeout_s - spent_s)))
        return ends
