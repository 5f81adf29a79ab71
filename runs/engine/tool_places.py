"""Places for calls of a tool: how many may go on at once, and whether any may begin."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import QuerySet

from runs.engine.scopes import Blocked, Rules, lock_limits, paused_message, rules
from runs.errors import ToolBusyError
from runs.models import Limit, Pause, Run, Step
from runs.states import RunStatus, StepKind, StepStatus

AGAIN_S = 2.0  # so long a run is away before it tries again


@contextmanager
def place_for(tool: str, run: Run) -> Iterator[None]:
    """Hold a place while the intent is committed: two calls never take the same one.

    Raises: ToolBusyError, before anything is written.
    """
    present = _rules_of(tool, rules())
    if not present:
        yield
        return
    with transaction.atomic():
        lock_limits(present.limits)
        reasons = busy(tool, run, present)
        if reasons:
            raise ToolBusyError(reasons[0].message)
        yield


def busy(tool: str, run: Run, present: Rules | None = None) -> list[Blocked]:
    """Say why a call of this tool may not begin now; empty if it may."""
    present = present or _rules_of(tool, rules())
    pauses = [pause for pause in present.pauses if _is_about(pause, run)]
    reasons = [Blocked("paused", paused_message(pause), pause.until) for pause in pauses]
    for limit in present.limits:
        if _is_about(limit, run) and _calls(limit, run).count() >= limit.most:
            reasons.append(Blocked("limit", f"{limit.most} calls at once: {limit.scope}"))
    return reasons


def _rules_of(tool: str, present: Rules) -> Rules:
    return Rules(
        [pause for pause in present.pauses if pause.tool == tool],
        [limit for limit in present.limits if limit.tool == tool],
    )


def _is_about(scope: Limit | Pause, run: Run) -> bool:
    return (
        scope.queue in ("", run.queue)
        and scope.job_type in ("", run.job_type)
        and scope.tenant_id in (None, run.tenant_id)
        and (not scope.model or (run.definition is not None and run.definition.model == scope.model))
    )


def _calls(limit: Limit, run: Run) -> QuerySet[Step]:
    """The calls that take the places of a limit: those begun by runs that hold a lease."""
    runs = Run.objects.filter(status=RunStatus.RUNNING)
    tenant_id = run.tenant_id if limit.each_tenant else limit.tenant_id
    wanted = {"queue": limit.queue, "job_type": limit.job_type, "tenant": tenant_id, "definition__model": limit.model}
    runs = runs.filter(**{name: value for name, value in wanted.items() if value})
    return Step.objects.filter(run__in=runs, kind=StepKind.TOOL_CALL, status=StepStatus.STARTED, name=limit.tool)
