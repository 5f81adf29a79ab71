"""The pauses and limits in force, read once a second, and the runs that each applies to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from runs import clock
from runs.declarations.catalog import job_types
from runs.declarations.job_types import Agent
from runs.models import Limit, Pause, Run, Selector
from runs.models.sql import Statement, adapt
from runs.states import LimitKind
from runs.ttl_cache import TTLCache


@dataclass(frozen=True, slots=True)
class RunSelector:
    """Some job types of some tenants: what a selector matches within a queue."""

    job_types: frozenset[str] | None = None  # None: every one
    tenants: frozenset[UUID] | None = None  # None: every one

    @classmethod
    def of(cls, selector: Selector) -> "RunSelector":
        """Resolve what a limit or a pause names."""
        return cls(job_types_of(selector), frozenset({selector.tenant_id}) if selector.tenant_id else None)

    def matches(self, run: Run) -> bool:
        """Say whether the selector matches this run."""
        return (self.job_types is None or run.job_type in self.job_types) and (
            self.tenants is None or run.tenant_id in self.tenants
        )

    def condition(self) -> Statement:
        """Build `matches` as an SQL condition on the lanes of one queue."""
        parts, params = ["1 = 1"], []
        for column, values in self._given:
            parts.append(f'"{column}" IN ({", ".join(["%s"] * len(values))})' if values else "1 = 0")
            params += [adapt(Run, column, value) if column == "tenant_id" else value for value in values]
        return Statement(" AND ".join(parts), params)

    def query(self) -> Q:
        """Build `matches` as a query for the runs of one queue."""
        everywhere = Q(pk__isnull=False)  # an empty Q would mean the same if negated
        return everywhere & Q(*((f"{column}__in", values) for column, values in self._given))

    @property
    def _given(self) -> list[tuple[str, list[Any]]]:
        wanted: dict[str, frozenset[Any] | None] = {"job_type": self.job_types, "tenant_id": self.tenants}
        return [(column, sorted(values, key=str)) for column, values in wanted.items() if values is not None]


EVERYTHING = RunSelector()


def job_types_of(selector: Selector) -> frozenset[str] | None:
    """Name the job types of a selector; None for every one. A model stands for the agents that declare it."""
    if not (selector.job_type or selector.model):
        return None
    of_model = {t.name for t in job_types() if isinstance(t, Agent) and t.model == selector.model}
    if not selector.model:
        return frozenset({selector.job_type})
    return frozenset(of_model & {selector.job_type} if selector.job_type else of_model)


def merged(selectors: Iterable[RunSelector]) -> list[RunSelector]:
    """Merge selectors with the same job types: a condition must not nest deeper with every tenant."""
    found: dict[frozenset[str] | None, set[UUID] | None] = {}
    for one in selectors:
        known = found.setdefault(one.job_types, set())
        if known is None or one.tenants is None:
            found[one.job_types] = None
        else:
            known |= one.tenants
    return [RunSelector(names, None if tenants is None else frozenset(tenants)) for names, tenants in found.items()]


@dataclass(frozen=True, slots=True)
class Rules:
    """The pauses and limits in force, as read from the database."""

    pauses: Sequence[Pause] = ()
    limits: Sequence[Limit] = ()  # on concurrency and rate: enforced by claims and calls
    backlogs: Sequence[Limit] = ()  # enforced only when a run is posted

    def of_queue(self, queue: str) -> "Rules":
        """Return those that may hold back a run of this queue."""
        return Rules(
            [pause for pause in self.pauses if not pause.tool and pause.queue in ("", queue)],
            [limit for limit in self.limits if not limit.tool and limit.queue in ("", queue)],
        )

    def of_tool(self, tool: str) -> "Rules":
        """Return those that may hold back a call of this tool."""
        return Rules(
            [pause for pause in self.pauses if pause.tool == tool],
            [limit for limit in self.limits if limit.tool == tool],
        )

    @property
    def overrides(self) -> list[RunSelector]:
        """List where a limit overrides the `max_running_per_tenant` of a job type; a limit that names a model does not.

        Once the job type asks another model, such a limit covers nobody and would lift the cap without replacing it.
        """
        return merged(
            RunSelector(frozenset({limit.job_type}), frozenset({limit.tenant_id}) if limit.tenant_id else None)
            for limit in self.limits
            if limit.kind == LimitKind.CONCURRENCY and limit.job_type and not limit.model
            if limit.each_tenant or limit.tenant_id
        )

    def __bool__(self) -> bool:
        return bool(self.pauses or self.limits)


def _read() -> Rules:
    present = Q(until__isnull=True) | Q(until__gt=clock.Now())
    pauses = Pause.objects.filter(present, ended_at__isnull=True).select_related("paused_by", "tenant")
    limits = list(Limit.objects.filter(is_active=True).select_related("tenant").order_by("pk"))
    backlogs = [limit for limit in limits if limit.kind == LimitKind.BACKLOG]
    return Rules(list(pauses), [limit for limit in limits if limit.kind != LimitKind.BACKLOG], backlogs)


rules = TTLCache("pauses and limits", _read)
forget_rules, invalidate_rules = rules.clear, rules.invalidate
