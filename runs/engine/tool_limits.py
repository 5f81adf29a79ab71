"""Limits and pauses of tools: whether a call may begin, and which waiting runs find a free slot.

A call takes a slot while it runs, or for the window of a rate. Runs that wait for a slot are skipped by timers and
woken as slots free up: otherwise each would come back every two seconds for nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q

from runs import clock
from runs.engine.limits.blocked import Blocked, lock_limits, paused_message
from runs.engine.limits.rules import Rules, rules
from runs.errors import ToolBusyError
from runs.models import Limit, PendingAction, RatedCall, Run, Selector, Step
from runs.states import ActionStatus, LimitKind, RunStatus, StepKind, StepStatus

AGAIN_S = 2.0  # minimum delay of a run that found no free slot


@contextmanager
def place_for(tool: str, run: Run) -> Iterator[None]:
    """Hold a slot while the intent is committed, so that two calls never take the same one.

    Raises: ToolBusyError, before anything is written.
    """
    present = rules().of_tool(tool)
    if not present:
        yield
        return
    with transaction.atomic():
        lock_limits(present.limits)
        reasons = blocked_call(tool, run, present)
        if reasons:
            raise ToolBusyError(reasons[0].message)
        _count([limit for limit in present.limits if limit.kind == LimitKind.RATE and _is_about(limit, run)], run)
        yield


def blocked_call(tool: str, run: Run, present: Rules | None = None) -> list[Blocked]:
    """List why a call of this tool may not begin now; empty if it may."""
    present = present or rules().of_tool(tool)
    pauses = [pause for pause in present.pauses if _is_about(pause, run)]
    reasons = [Blocked("paused", paused_message(pause), pause.until) for pause in pauses]
    for limit in present.limits:
        tenant_id = run.tenant_id if limit.each_tenant else None
        if _is_about(limit, run) and calls_counted(limit, tenant_id=tenant_id).total() >= limit.most:
            reasons.append(_full(limit, tenant_id))
    return reasons


def _is_about(selector: Selector, run: Run) -> bool:
    """Say whether the selector matches this run's calls of its tool."""
    return (
        selector.queue in ("", run.queue)
        and selector.job_type in ("", run.job_type)
        and selector.tenant_id in (None, run.tenant_id)
        and (not selector.model or (run.definition is not None and run.definition.model == selector.model))
    )


def calls_counted(limit: Limit, *, tenant_id: UUID | None = None) -> Counter[UUID]:
    """Count the calls that take slots of a limit now, by tenant; only those of `tenant_id` if it is given."""
    calls = _begun_within(limit) if limit.kind == LimitKind.RATE else _going_on(limit)
    calls = calls.filter(of_tenant=tenant_id) if tenant_id else calls
    return Counter(dict(calls.order_by().values_list("of_tenant").annotate(Count("pk"))))


def _going_on(limit: Limit) -> Any:
    """Match the calls in progress of runs that hold a lease."""
    wanted = {
        "queue": limit.queue,
        "job_type": limit.job_type,
        "tenant": limit.tenant_id,
        "definition__model": limit.model,
    }
    runs = Run.objects.filter(status=RunStatus.RUNNING, **{name: value for name, value in wanted.items() if value})
    calls = Step.objects.filter(run__in=runs, kind=StepKind.TOOL_CALL, status=StepStatus.STARTED, name=limit.tool)
    return calls.annotate(of_tenant=F("run__tenant"))


def _begun_within(limit: Limit) -> Any:
    since = clock.now() - timedelta(seconds=limit.per_s)
    return RatedCall.objects.filter(limit=limit, at__gt=since).annotate(of_tenant=F("tenant"))


def _full(limit: Limit, tenant_id: UUID | None) -> Blocked:
    calls = f"{limit.most} call{'' if limit.most == 1 else 's'}"
    if limit.kind == LimitKind.CONCURRENCY:
        return Blocked("limit", f"{calls} at once: {limit.scope}")
    return Blocked("rate", f"{calls} in {limit.per_s:g} s: {limit.scope}", _free_at(limit, tenant_id))


def _free_at(limit: Limit, tenant_id: UUID | None) -> datetime | None:
    """Say when the oldest counted call leaves the window; None if no call may ever begin."""
    if not limit.most:
        return None
    calls = RatedCall.objects.filter(limit=limit, **({"tenant": tenant_id} if tenant_id else {}))
    leaving = calls.order_by("-at").values_list("at", flat=True)[limit.most - 1 :].first()
    return leaving + timedelta(seconds=limit.per_s) if leaving else None


def _count(rates: Sequence[Limit], run: Run) -> None:
    """Record that a call begins, and delete those that have left the windows."""
    if not rates:
        return
    now = clock.now()
    for limit in rates:
        before = now - timedelta(seconds=limit.per_s)
        RatedCall.objects.filter(limit=limit, tenant=run.tenant_id, at__lte=before).delete()
    RatedCall.objects.bulk_create(RatedCall(limit=limit, tenant_id=run.tenant_id, at=now) for limit in rates)


_Closed = tuple[Selector, frozenset[UUID] | None]
"""Calls that cannot begin now, and of which tenants; None means every tenant."""


class ToolHeadroom:
    """The headroom that pauses and limits leave for tools, counted once for many runs."""

    def __init__(self) -> None:
        present = rules()
        self._pauses = [pause for pause in present.pauses if pause.tool]
        self._counts = {limit: calls_counted(limit) for limit in present.limits if limit.tool}

    @property
    def limited(self) -> list[str]:
        """Return the tools for whose slots runs wait."""
        return sorted({limit.tool for limit in self._counts})

    def nothing_to_do(self) -> Q:
        """Match the begun runs that could do nothing if woken: no call left can begin.

        Derived from pauses and limits each time, so ending one wakes its runs.
        """
        closed: list[_Closed] = [(pause, _one(pause.tenant_id)) for pause in self._pauses]
        closed += [full for limit, counts in self._counts.items() if (full := _full_for(limit, counts))]
        if not closed:
            return Q(pk__in=[])
        cannot_begin = Q(_calls_of(closed), status=StepStatus.PLANNED)
        calls = _calls_left().filter(run=OuterRef("pk"))
        may_go_on = calls.filter(~cannot_begin, ~_ASKS_A_PERSON)
        return Q(Exists(calls.filter(cannot_begin)), ~Exists(may_go_on), status=RunStatus.SCHEDULED)

    def admit(self, runs: Sequence[Run]) -> list[Run]:
        """Choose, in this order, the runs that find a free slot for a call. A call already begun needs no slot."""
        calls: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
        left = _calls_left().filter(~_ASKS_A_PERSON, run__in=runs)
        for run_id, tool, status in left.values_list("run", "name", "status"):
            calls[run_id].append((tool, status))
        return [
            run
            for run in runs
            if any(status != StepStatus.PLANNED or self._takes_slot(run, tool) for tool, status in calls[run.pk])
        ]

    def _takes_slot(self, run: Run, tool: str) -> bool:
        if any(pause.tool == tool and _is_about(pause, run) for pause in self._pauses):
            return False
        about = [(one, counts) for one, counts in self._counts.items() if one.tool == tool and _is_about(one, run)]
        if any(_slots_left(limit, counts, run.tenant_id) <= 0 for limit, counts in about):
            return False
        for _, counts in about:
            counts[run.tenant_id] += 1
        return True


def waits_for_slot(tools: Iterable[str]) -> Q:
    """Match the runs that wait for a slot of one of these tools: others may be ahead."""
    calls = _calls_left().filter(run=OuterRef("pk"), status=StepStatus.PLANNED, name__in=list(tools))
    return Q(Exists(calls), status=RunStatus.SCHEDULED, started_at__isnull=False)


_ASKS_A_PERSON = Exists(PendingAction.objects.filter(step=OuterRef("pk"), status=ActionStatus.OPEN))


def _calls_left() -> Any:
    left = [StepStatus.PLANNED, StepStatus.STARTED, StepStatus.UNKNOWN]
    return Step.objects.filter(kind=StepKind.TOOL_CALL, status__in=left)


def _slots_left(limit: Limit, counts: Counter[UUID], tenant_id: UUID) -> int:
    return limit.most - (counts[tenant_id] if limit.each_tenant else counts.total())


def _full_for(limit: Limit, counts: Counter[UUID]) -> _Closed | None:
    """Say for which tenants a limit is full, if for any."""
    if limit.each_tenant and limit.most:
        full = frozenset(tenant for tenant, count in counts.items() if count >= limit.most)
        return (limit, full) if full else None
    return (limit, _one(limit.tenant_id)) if counts.total() >= limit.most else None


def _one(tenant_id: UUID | None) -> frozenset[UUID] | None:
    return frozenset({tenant_id}) if tenant_id else None


def _calls_of(closed: Iterable[_Closed]) -> Q:
    """Match the calls that cannot begin; those that differ only by tenant share one condition."""
    tenants: dict[tuple[str, str, str, str], frozenset[UUID] | None] = defaultdict(frozenset)
    for selector, named in closed:
        calls = (selector.tool, selector.queue, selector.job_type, selector.model)
        known = tenants[calls]
        tenants[calls] = None if known is None or named is None else known | named
    found = Q()
    for calls, whose in tenants.items():
        columns = zip(("name", "run__queue", "run__job_type", "run__definition__model"), calls, strict=True)
        selected = Q(**{column: value for column, value in columns if value})
        found |= selected if whose is None else selected & Q(run__tenant__in=whose)
    return found
