"""What holds runs back before they are claimed: pauses and full limits. One answer for claim, API and console.

A limit counts what is there, the leases of running runs or the starts within its window, so that no slot can leak. A
claim locks the limits that it looks at, so that two of them never count the same free place.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, Window
from django.db.models.functions import RowNumber

from runs import clock
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.engine.areas import Area, merged
from runs.models import Limit, Pause, Run
from runs.states import LimitKind, RunStatus
from runs.ttl_cache import TTLCache


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands."""

    queue: str
    tenant_id: UUID
    job_type: str

    @classmethod
    def of(cls, run: Run) -> "Place":
        """Read it off a run."""
        return cls(run.queue, run.tenant_id, run.job_type)


@dataclass(frozen=True, slots=True)
class Blocked:
    """A scope in which nothing starts now, and why."""

    code: str  # as in `why`: paused, limit or rate
    message: str
    until: datetime | None = None
    queue: str = ""
    job_types: frozenset[str] | None = None  # None: every one
    tenants: frozenset[UUID] | None = None  # None: every one

    def holds(self, place: Place) -> bool:
        """Say whether a run at this place is held back."""
        return self.queue in ("", place.queue) and self.area.holds(place.job_type, place.tenant_id)

    @property
    def area(self) -> Area:
        """What of the queue is held back."""
        return Area(self.job_types, self.tenants)


@dataclass(frozen=True, slots=True)
class Rules:
    """The pauses and limits that are in force, as they were read."""

    pauses: Sequence[Pause] = ()
    limits: Sequence[Limit] = ()

    def of_queue(self, queue: str) -> "Rules":
        """Those that may hold back a run of this queue."""
        return Rules(
            [pause for pause in self.pauses if not pause.tool and pause.queue in ("", queue)],
            [limit for limit in self.limits if not limit.tool and limit.queue in ("", queue)],
        )

    def of_tool(self, tool: str) -> "Rules":
        """Those that may hold back a call of this tool."""
        return Rules(
            [pause for pause in self.pauses if pause.tool == tool],
            [limit for limit in self.limits if limit.tool == tool],
        )

    @property
    def overrides(self) -> list[Area]:
        """Where a limit stands in for the `max_running_per_tenant` of a job type: not one of a model besides.

        Such a one covers nobody once the job type asks another model, and would lift the cap without a limit.
        """
        return merged(
            Area(frozenset({limit.job_type}), frozenset({limit.tenant_id}) if limit.tenant_id else None)
            for limit in self.limits
            if limit.kind == LimitKind.CONCURRENCY and limit.job_type and not limit.model
            if limit.each_tenant or limit.tenant_id
        )

    def __bool__(self) -> bool:
        return bool(self.pauses or self.limits)


def _read() -> Rules:
    present = Q(until__isnull=True) | Q(until__gt=clock.Now())
    pauses = Pause.objects.filter(present, ended_at__isnull=True).select_related("paused_by", "tenant")
    limits = Limit.objects.filter(is_active=True).select_related("tenant").order_by("pk")
    return Rules(list(pauses), list(limits))


rules = TTLCache("pauses and limits", _read)
forget_rules, invalidate_rules = rules.clear, rules.invalidate


def blocked(present: Rules, *, lock: bool = False, dated: bool = False) -> list[Blocked]:
    """List the scopes in which nothing may start now. With `lock`, nobody else claims past these limits meanwhile.

    With `dated`, a used-up rate says until when: for each tenant, where each has its own. A claim need not know.
    """
    if lock:
        lock_limits(present.limits)
    found = [_of_pause(pause) for pause in present.pauses]
    counts: dict[float | None, Counts] = {}  # by window: one query each, however many limits there are
    for limit in sorted(present.limits, key=lambda limit: limit.kind):
        window = limit.per_s if limit.kind == LimitKind.RATE else None
        if window not in counts:
            counts[window] = _count(_counted(limit))
        if full := _full(limit, counts[window]):
            found += _until_free(limit, full) if dated and window else [full]
    return found


def lock_limits(limits: Sequence[Limit]) -> None:
    """Let nobody else count past these limits before this transaction ends; on SQLite nobody can anyway."""
    if limits and connection.features.has_select_for_update:
        locked = Limit.objects.select_for_update().filter(pk__in=[limit.pk for limit in limits])
        list(locked.order_by("pk").values_list("pk"))


def paused_message(pause: Pause) -> str:
    """Say what is paused, by whom and why."""
    return f"{pause} is paused by {pause.paused_by}: {pause.reason}"


def _of_pause(pause: Pause) -> Blocked:
    return Blocked(
        code="paused",
        message=paused_message(pause),
        until=pause.until,
        queue=pause.queue,
        job_types=_job_types(pause),
        tenants=frozenset({pause.tenant_id}) if pause.tenant_id else None,
    )


Counts = dict[UUID, Counter[tuple[str, str]]]  # by tenant: by queue and job type


def area_of(scope: Limit | Pause) -> Area:
    """What of its queues a limit or a pause is about."""
    return Area(_job_types(scope), frozenset({scope.tenant_id}) if scope.tenant_id else None)


def _counted(limit: Limit) -> Any:
    """Find what a limit of this kind counts, of every scope: what works now, or has started within the window."""
    if limit.kind == LimitKind.CONCURRENCY:
        return Run.objects.filter(status=RunStatus.RUNNING)
    return Run.objects.filter(started_at__gt=clock.now() - _window(limit))


def _window(limit: Limit) -> timedelta:
    return timedelta(seconds=limit.per_s)


def _count(runs: Any) -> Counts:
    rows = runs.order_by().values_list("tenant_id", "queue", "job_type").annotate(count=Count("pk"))
    found: Counts = {}
    for tenant, queue, job_type, count in rows:
        found.setdefault(tenant, Counter())[queue, job_type] = count
    return found


def _full(limit: Limit, counts: Counts) -> Blocked | None:
    """Say where a limit is used up, if anywhere."""
    by_tenant = _of_limit(limit, counts)
    if limit.each_tenant and limit.most:
        full = {tenant for tenant, count in by_tenant.items() if count >= limit.most}
        if not full:
            return None
        tenants: frozenset[UUID] | None = frozenset(full)
    elif by_tenant.total() < limit.most:
        return None
    else:
        tenants = frozenset({limit.tenant_id}) if limit.tenant_id else None
    code, message = _words(limit)
    return Blocked(code, message, queue=limit.queue, job_types=_job_types(limit), tenants=tenants)


def _words(limit: Limit) -> tuple[str, str]:
    """Say that a limit is used up: the code of `why`, and the message."""
    if limit.kind == LimitKind.RATE:
        return "rate", f"{limit.most} starts in {limit.per_s:g} s: {limit.scope}"
    how_many = f"{limit.most} of {limit.most}" if limit.most else "none"
    return "limit", f"{how_many} at once: {limit.scope}"


def _of_limit(limit: Limit, counts: Counts) -> Counter[UUID]:
    """Count what the limit is about, by tenant."""
    names, found = _job_types(limit), Counter[UUID]()
    about = {limit.tenant_id: counts.get(limit.tenant_id, Counter())} if limit.tenant_id else counts
    for tenant, of_tenant in about.items():
        for (queue, job_type), count in of_tenant.items():
            if limit.queue in ("", queue) and (names is None or job_type in names):
                found[tenant] += count
    return found


def _until_free(limit: Limit, full: Blocked) -> list[Blocked]:
    """Say until when a rate is used up: the oldest start that counts must leave the window."""
    if not limit.most:
        return [full]
    starts = _in_scope(limit, _counted(limit))
    if not limit.each_tenant:
        newest_first = starts.order_by("-started_at").values_list("started_at", flat=True)
        leaving = newest_first[limit.most - 1 :].first()
        return [replace(full, until=leaving and leaving + _window(limit))]
    nth = Window(RowNumber(), partition_by="tenant_id", order_by="-started_at")
    of_each = starts.filter(tenant__in=full.tenants or ()).annotate(nth=nth).filter(nth=limit.most)
    leaves = dict(of_each.values_list("tenant_id", "started_at"))
    return [
        replace(full, tenants=frozenset({tenant}), until=leaves[tenant] + _window(limit) if tenant in leaves else None)
        for tenant in full.tenants or ()
    ]


def held_by(limit: Limit) -> Counter[UUID]:
    """Count what a limit counts now, by tenant."""
    return _of_limit(limit, _count(_in_scope(limit, _counted(limit))))


def _in_scope(limit: Limit, runs: Any) -> Any:
    names = _job_types(limit)
    wanted: dict[str, Any] = {"queue": limit.queue} if limit.queue else {}
    wanted |= {"tenant": limit.tenant_id} if limit.tenant_id else {}
    wanted |= {"job_type__in": names} if names is not None else {}
    return runs.filter(**wanted)


def _job_types(scope: Limit | Pause) -> frozenset[str] | None:
    """Name the job types of a scope; None for every one. A model stands for the agents that declare it."""
    if not (scope.job_type or scope.model):
        return None
    of_model = {t.name for t in job_types() if isinstance(t, Agent) and t.model == scope.model}
    if not scope.model:
        return frozenset({scope.job_type})
    return frozenset(of_model & {scope.job_type} if scope.job_type else of_model)
