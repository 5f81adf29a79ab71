"""Ringing where runs wait for what a limit or a pause held back."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import QuerySet

from runs.engine.limits.rules import RunSelector, merged, rules
from runs.models import Limit, QueueLane, Run, Selector
from runs.queue.doorbell import ring
from runs.states import LimitKind


def ring_for(selector: Selector) -> None:
    """Ring the queues in which runs of a selector wait: an edit may let them start. Calls of tools wait elsewhere."""
    if not selector.tool:
        waiting = QueueLane.objects.filter(RunSelector.of(selector).query(), queued__gt=0)
        waiting = waiting.filter(queue=selector.queue) if selector.queue else waiting
        _ring_all(waiting)


def ring_for_slot_of(run: Run, *, besides: Iterable[str]) -> None:
    """Ring the other queues in which runs wait for the slot that this one took of a limit over several queues."""
    over_queues = (RunSelector.of(limit) for limit in rules().limits if _is_over_queues(limit))
    held = [one.query() for one in merged(over_queues) if one.matches(run)]
    if held:
        waiting = QueueLane.objects.filter(reduce(or_, held), queued__gt=0).exclude(queue__in=list(besides))
        _ring_all(waiting)


def _ring_all(waiting: QuerySet[QueueLane]) -> None:
    for queue in waiting.order_by("queue").values_list("queue", flat=True).distinct():
        ring(queue)


def _is_over_queues(limit: Limit) -> bool:
    return limit.kind == LimitKind.CONCURRENCY and not (limit.queue or limit.tool)
