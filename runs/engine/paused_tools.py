"""Runs that wait for a paused tool: timers pass them by, or they would come back every two seconds for nothing."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q

from runs.engine.scopes import rules
from runs.models import Pause, PendingAction, Step
from runs.states import ActionStatus, RunStatus, StepKind, StepStatus


def waits_for_paused_tools() -> Q:
    """Match the runs that have begun and could do nothing if they were woken: every call left is of a paused tool.

    It holds no longer than the pause: whoever ends that need not know of them.
    """
    pauses = [pause for pause in rules().pauses if pause.tool]
    if not pauses:
        return Q(pk__in=[])
    is_paused = Q(_of(pauses), status=StepStatus.PLANNED)
    open_action = PendingAction.objects.filter(step=OuterRef("pk"), status=ActionStatus.OPEN)
    calls = Step.objects.filter(
        run=OuterRef("pk"),
        kind=StepKind.TOOL_CALL,
        status__in=[StepStatus.PLANNED, StepStatus.STARTED, StepStatus.UNKNOWN],
    )
    may_go_on = calls.filter(~is_paused, ~Exists(open_action))
    return Q(Exists(calls.filter(is_paused)), ~Exists(may_go_on), status=RunStatus.SCHEDULED)


def _of(pauses: Sequence[Pause]) -> Q:
    """Match the calls that pauses are about; those that differ by tenant alone are one condition."""
    tenants: dict[tuple[str, ...], set[Any]] = defaultdict(set)
    for pause in pauses:
        tenants[pause.tool, pause.queue, pause.job_type, pause.model].add(pause.tenant_id)
    found = Q()
    for scope, named in tenants.items():
        columns = zip(("name", "run__queue", "run__job_type", "run__definition__model"), scope, strict=True)
        of_scope = Q(**{column: value for column, value in columns if value})
        found |= of_scope if None in named else of_scope & Q(run__tenant__in=named)
    return found
