"""Explain why a run waits for a slot: its place in the queue, the number of slots, and when one is free at the latest.

Counted for many runs at once, and only up to `FAR`: the cost of a list must not grow with the backlog.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
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
        """Count the runs ahead of one, and say if all are counted. Other tenants get at most one extra turn each."""
        own = self._before_of_tenant.get(run.pk, 0)
        tenants = self._tenants[run.queue]
        key = tenants.get(run.tenant_id, (run.rank, 0))[0]
        others = (min(own + (first < key), count) for pk, (first, count) in tenants.items() if pk != run.tenant_id)
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
    def _tenants(self) -> dict[str, dict[UUID, tuple[float, int]]]:
        """Return by queue and tenant the time of its turn, and how many of its runs might start."""
        found: dict[str, dict[UUID, tuple[float, int]]] = defaultdict(dict)
        lanes = QueueLane.objects.filter(ROOM, queue__in={run.queue for run in self._runs}, queued__gt=0)
        turns = lanes.values_list("queue", "tenant").annotate(Min("key"), Sum("queued"))
        for queue, tenant, key, count in turns:
            found[queue][tenant] = key, count
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
