"""What keeps queued runs from starting: pauses and full limits.

A limit counts existing rows, the leases of running runs or the starts within its window, so no slot can leak. A claim
locks the limits it reads, so two claims never count the same free slot.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Window
from django.db.models.functions import RowNumber

from runs import clock
from runs.engine.limits.rules import EVERYTHING, Rules, RunSelector, job_types_of, rules
from runs.models import Limit, Pause, Run
from runs.states import LimitKind, RunStatus


@dataclass(frozen=True, slots=True)
class Blocked:
    """Runs, or calls of a tool, that cannot start now, and why."""

    code: str  # as in `why`: paused, limit or rate
    message: str
    until: datetime | None = None
    selector: RunSelector = EVERYTHING


class BlockingReasons:
    """What pauses, limits and full lanes hold back, as a claim would see it at this moment.

    Meant for many runs: each queue is read once.
    """

    def __init__(self) -> None:
        self._blocked: dict[str, list[Blocked]] = {}

    def of(self, run: Run) -> list[Blocked]:
        """List the pauses and limits that hold back a queued run."""
        if run.queue not in self._blocked:
            self._blocked[run.queue] = blocked(rules().of_queue(run.queue), dated=True)
        return [one for one in self._blocked[run.queue] if one.selector.matches(run)]

    def hold(self, run: Run) -> bool:
        """Say whether something keeps every claim from taking this run now."""
        return has_full_lane(run) or bool(self.of(run))


def has_full_lane(run: Run) -> bool:
    """Say whether the run's lane is at the maximum of its job type, with no limit overriding it."""
    line = run.queue_lane
    is_full = line.cap is not None and line.running >= line.cap
    return is_full and not any(override.matches(run) for override in rules().of_queue(run.queue).overrides)


def blocked(present: Rules, *, lock: bool = False, dated: bool = False) -> list[Blocked]:
    """List what may not start now. With `lock`, no other claim can pass these limits in the meantime.

    With `dated`, a full rate says until when, for each tenant where each has its own. Claims do not need this.
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
    """Lock these limits until this transaction ends, so that no other can count past them; SQLite needs no lock."""
    if limits and connection.features.has_select_for_update:
        locked = Limit.objects.select_for_update().filter(pk__in=[limit.pk for limit in limits])
        list(locked.order_by("pk").values_list("pk"))


def paused_message(pause: Pause) -> str:
    """Say what is paused, by whom and why."""
    return f"{pause} is paused by {pause.paused_by}: {pause.reason}"


def _of_pause(pause: Pause) -> Blocked:
    return Blocked("paused", paused_message(pause), pause.until, RunSelector.of(pause))


Counts = dict[UUID, Counter[tuple[str, str]]]  # by tenant: by queue and job type


def _counted(limit: Limit) -> Any:
    """Find what a limit of this kind counts, for every selector: running runs, or starts within the window."""
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
    """Say where a limit is full, if anywhere."""
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
    return Blocked(code, message, selector=RunSelector(job_types_of(limit), tenants))


def _words(limit: Limit) -> tuple[str, str]:
    """Describe a full limit: the code of `why`, and the message."""
    if limit.kind == LimitKind.RATE:
        return "rate", f"{limit.most} starts in {limit.per_s:g} s: {limit.scope}"
    how_many = f"{limit.most} of {limit.most}" if limit.most else "none"
    return "limit", f"{how_many} at once: {limit.scope}"


def _of_limit(limit: Limit, counts: Counts) -> Counter[UUID]:
    """Count the limit's usage, by tenant."""
    names, found = job_types_of(limit), Counter[UUID]()
    about = {limit.tenant_id: counts.get(limit.tenant_id, Counter())} if limit.tenant_id else counts
    for tenant, of_tenant in about.items():
        for (queue, job_type), count in of_tenant.items():
            if limit.queue in ("", queue) and (names is None or job_type in names):
                found[tenant] += count
    return found


def _until_free(limit: Limit, full: Blocked) -> list[Blocked]:
    """Say until when a rate is full: the oldest counted start must leave the window."""
    if not limit.most:
        return [full]
    starts = _selected(limit, _counted(limit))
    if not limit.each_tenant:
        newest_first = starts.order_by("-started_at").values_list("started_at", flat=True)
        leaving = newest_first[limit.most - 1 :].first()
        return [replace(full, until=leaving and leaving + _window(limit))]
    nth = Window(RowNumber(), partition_by="tenant_id", order_by="-started_at")
    tenants = full.selector.tenants or frozenset()
    of_each = starts.filter(tenant__in=tenants).annotate(nth=nth).filter(nth=limit.most)
    leaves = dict(of_each.values_list("tenant_id", "started_at"))
    return [
        replace(
            full,
            selector=replace(full.selector, tenants=frozenset({tenant})),
            until=leaves[tenant] + _window(limit) if tenant in leaves else None,
        )
        for tenant in tenants
    ]


def runs_counted(limit: Limit) -> Counter[UUID]:
    """Count what a limit counts now, by tenant."""
    return _of_limit(limit, _count(_selected(limit, _counted(limit))))


def _selected(limit: Limit, runs: Any) -> Any:
    names = job_types_of(limit)
    wanted: dict[str, Any] = {"queue": limit.queue} if limit.queue else {}
    wanted |= {"tenant": limit.tenant_id} if limit.tenant_id else {}
    wanted |= {"job_type__in": names} if names is not None else {}
    return runs.filter(**wanted)
