"""Runs that wait for a tool: timers pass by those that could do nothing, and wake as many as there are places.

Each would else come back every two seconds for nothing, however many they are.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from runs.engine.scopes import rules
from runs.engine.tool_places import is_about, taken
from runs.models import Limit, Pause, PendingAction, Run, Step
from runs.states import ActionStatus, RunStatus, StepKind, StepStatus


@dataclass(frozen=True, slots=True)
class _Shut:
    """Calls that cannot begin now."""

    scope: Pause | Limit
    tenants: frozenset[UUID] | None  # None: every one


class ToolRoom:
    """What pauses and limits leave of the tools, counted once for many runs."""

    def __init__(self) -> None:
        present = rules()
        self._pauses = [pause for pause in present.pauses if pause.tool]
        self._taken = {limit: taken(limit) for limit in present.limits if limit.tool}

    @property
    def limited(self) -> list[str]:
        """The tools for whose places runs stand in line."""
        return sorted({limit.tool for limit in self._taken})

    def nothing_to_do(self) -> Q:
        """Match the runs that have begun and could do nothing if they were woken: no call left can begin.

        It holds no longer than pauses and limits do: whoever ends one need not know of them.
        """
        shut = [_Shut(pause, _one(pause.tenant_id)) for pause in self._pauses]
        shut += [one for limit, calls in self._taken.items() if (one := _shut(limit, calls))]
        if not shut:
            return Q(pk__in=[])
        cannot_begin = Q(_of(shut), status=StepStatus.PLANNED)
        calls = _calls_left().filter(run=OuterRef("pk"))
        may_go_on = calls.filter(~cannot_begin, ~_ASKS_A_PERSON)
        return Q(Exists(calls.filter(cannot_begin)), ~Exists(may_go_on), status=RunStatus.SCHEDULED)

    def admit(self, runs: Sequence[Run]) -> list[Run]:
        """Choose those that find a place for a call, the first first: each takes one of those that are left.

        What has begun needs no place.
        """
        calls: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
        left = _calls_left().filter(~_ASKS_A_PERSON, run__in=runs)
        for run_id, tool, status in left.values_list("run", "name", "status"):
            calls[run_id].append((tool, status))
        return [
            run
            for run in runs
            if any(status != StepStatus.PLANNED or self._takes_place(run, tool) for tool, status in calls[run.pk])
        ]

    def _takes_place(self, run: Run, tool: str) -> bool:
        if any(pause.tool == tool and is_about(pause, run) for pause in self._pauses):
            return False
        about = [(limit, calls) for limit, calls in self._taken.items() if limit.tool == tool and is_about(limit, run)]
        if any(_left(limit, calls, run.tenant_id) <= 0 for limit, calls in about):
            return False
        for _, calls in about:
            calls[run.tenant_id] += 1
        return True


def in_line_for(tools: Iterable[str]) -> Q:
    """Match the runs that have come back for want of a place in one of these tools: others may be first."""
    calls = _calls_left().filter(run=OuterRef("pk"), status=StepStatus.PLANNED, name__in=list(tools))
    return Q(Exists(calls), status=RunStatus.SCHEDULED, started_at__isnull=False)


_ASKS_A_PERSON = Exists(PendingAction.objects.filter(step=OuterRef("pk"), status=ActionStatus.OPEN))


def _calls_left() -> Any:
    left = [StepStatus.PLANNED, StepStatus.STARTED, StepStatus.UNKNOWN]
    return Step.objects.filter(kind=StepKind.TOOL_CALL, status__in=left)


def _left(limit: Limit, calls: Counter[UUID], tenant_id: UUID) -> int:
    return limit.most - (calls[tenant_id] if limit.each_tenant else calls.total())


def _shut(limit: Limit, calls: Counter[UUID]) -> _Shut | None:
    """Say for whom a limit is full, if for anybody."""
    if limit.each_tenant and limit.most:
        full = frozenset(tenant for tenant, count in calls.items() if count >= limit.most)
        return _Shut(limit, full) if full else None
    return _Shut(limit, _one(limit.tenant_id)) if calls.total() >= limit.most else None


def _one(tenant_id: UUID | None) -> frozenset[UUID] | None:
    return frozenset({tenant_id}) if tenant_id else None


def _of(shut: Iterable[_Shut]) -> Q:
    """Match the calls that cannot begin; those that differ by tenant alone are one condition."""
    tenants: dict[tuple[str, str, str, str], frozenset[UUID] | None] = defaultdict(frozenset)
    for one in shut:
        calls = (one.scope.tool, one.scope.queue, one.scope.job_type, one.scope.model)
        known = tenants[calls]
        tenants[calls] = None if known is None or one.tenants is None else known | one.tenants
    found = Q()
    for calls, named in tenants.items():
        columns = zip(("name", "run__queue", "run__job_type", "run__definition__model"), calls, strict=True)
        of_scope = Q(**{column: value for column, value in columns if value})
        found |= of_scope if named is None else of_scope & Q(run__tenant__in=named)
    return found
