"""Ringing where runs wait for what a limit or a pause held back."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import QuerySet

from runs.engine.areas import merged
from runs.engine.scopes import Place, area_of, rules
from runs.models import Limit, Pause, QueueLane, Run
from runs.queue.doorbell import ring
from runs.states import LimitKind


def ring_for(scope: Limit | Pause) -> None:
    """Ring the queues in which runs of this scope wait: an edit may let them start. Calls of tools wait elsewhere."""
    if not scope.tool:
        waiting = QueueLane.objects.filter(area_of(scope).query(), queued__gt=0)
        waiting = waiting.filter(queue=scope.queue) if scope.queue else waiting
        _ring_all(waiting)


def ring_for_place_of(run: Run, *, besides: Iterable[str]) -> None:
    """Ring the other queues in which runs wait for the place that this one took of a limit over several queues."""
    place = Place.of(run)
    areas = [area_of(limit) for limit in rules().limits if _is_over_queues(limit)]
    held = [area.query() for area in merged(areas) if area.holds(place.job_type, place.tenant_id)]
    if held:
        waiting = QueueLane.objects.filter(reduce(or_, held), queued__gt=0).exclude(queue__in=list(besides))
        _ring_all(waiting)


def _ring_all(waiting: QuerySet[QueueLane]) -> None:
    for queue in waiting.order_by("queue").values_list("queue", flat=True).distinct():
        ring(queue)


def _is_over_queues(limit: Limit) -> bool:
    return limit.kind == LimitKind.CONCURRENCY and not (limit.queue or limit.tool)
