"""Places for calls of a tool: how many go on at once or begin within a while, and whether another may begin."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F

from runs import clock
from runs.engine.scopes import Blocked, Rules, lock_limits, paused_message, rules
from runs.errors import ToolBusyError
from runs.models import Limit, Pause, RatedCall, Run, Step
from runs.states import LimitKind, RunStatus, StepKind, StepStatus

AGAIN_S = 2.0  # so long a run is away at least before it tries again


@contextmanager
def place_for(tool: str, run: Run) -> Iterator[None]:
    """Hold a place while the intent is committed: two calls never take the same one.

    Raises: ToolBusyError, before anything is written.
    """
    present = rules().of_tool(tool)
    if not present:
        yield
        return
    with transaction.atomic():
        lock_limits(present.limits)
        reasons = busy(tool, run, present)
        if reasons:
            raise ToolBusyError(reasons[0].message)
        _count([limit for limit in present.limits if limit.kind == LimitKind.RATE and is_about(limit, run)], run)
        yield


def busy(tool: str, run: Run, present: Rules | None = None) -> list[Blocked]:
    """Say why a call of this tool may not begin now; empty if it may."""
    present = present or rules().of_tool(tool)
    pauses = [pause for pause in present.pauses if is_about(pause, run)]
    reasons = [Blocked("paused", paused_message(pause), pause.until) for pause in pauses]
    for limit in present.limits:
        tenant_id = run.tenant_id if limit.each_tenant else None
        if is_about(limit, run) and taken(limit, tenant_id=tenant_id).total() >= limit.most:
            reasons.append(_full(limit, tenant_id))
    return reasons


def is_about(scope: Limit | Pause, run: Run) -> bool:
    """Say whether calls of the scope's tool by this run are what it is about."""
    return (
        scope.queue in ("", run.queue)
        and scope.job_type in ("", run.job_type)
        and scope.tenant_id in (None, run.tenant_id)
        and (not scope.model or (run.definition is not None and run.definition.model == scope.model))
    )


def taken(limit: Limit, *, tenant_id: UUID | None = None) -> Counter[UUID]:
    """Count the calls that take a limit's places now, by tenant; of one tenant alone if it is given."""
    calls = _begun_within(limit) if limit.kind == LimitKind.RATE else _going_on(limit)
    calls = calls.filter(of_tenant=tenant_id) if tenant_id else calls
    return Counter(dict(calls.order_by().values_list("of_tenant").annotate(Count("pk"))))


def _going_on(limit: Limit) -> Any:
    """Calls that runs have begun which hold a lease."""
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
    """Say when the oldest call that counts leaves the window; None if no call may ever begin."""
    if not limit.most:
        return None
    calls = RatedCall.objects.filter(limit=limit, **({"tenant": tenant_id} if tenant_id else {}))
    leaving = calls.order_by("-at").values_list("at", flat=True)[limit.most - 1 :].first()
    return leaving + timedelta(seconds=limit.per_s) if leaving else None


def _count(rates: Sequence[Limit], run: Run) -> None:
    """Write down that a call begins, and forget those that have left the windows."""
    if not rates:
        return
    now = clock.now()
    for limit in rates:
        before = now - timedelta(seconds=limit.per_s)
        RatedCall.objects.filter(limit=limit, tenant=run.tenant_id, at__lte=before).delete()
    RatedCall.objects.bulk_create(RatedCall(limit=limit, tenant_id=run.tenant_id, at=now) for limit in rates)
