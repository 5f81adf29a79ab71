"""Back-pressure: a queue that holds as many waiting runs as it may takes no new one.

Only posting asks. Retries, redrives and whatever wakes up again were let in before. Nothing is locked, so posts that
come at the same moment may exceed a ceiling by their number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Sum

from runs import clock
from runs.errors import QueueFullError
from runs.models import Ceiling, QueueLane, Run, Tenant
from runs.states import RunStatus
from runs.ttl_cache import TTLCache

_WINDOW_S = 60.0  # the starts of so long say how fast a queue is
_RETRY_AFTER_MAX_S = 300


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read together. Shape of `held`: how many an open circuit holds back, by queue and tenant."""

    ceilings: Sequence[Ceiling]
    held: dict[tuple[str, UUID], int]


def check_room(queue: str, tenant: Tenant) -> None:
    """Refuse a new run if a ceiling of its queue is reached. Raises: QueueFullError."""
    for ceiling in _of(_read().ceilings, queue, tenant):
        of_tenant = tenant if ceiling.tenant_id or ceiling.each_tenant else None
        depth = depth_of(queue, of_tenant)
        if depth >= ceiling.most:
            raise QueueFullError(
                queue,
                depth=depth,
                ceiling=ceiling.most,
                whose=f" of the tenant {tenant.slug}" if of_tenant else "",
                retry_after_s=_retry_after_s(queue, of_tenant, excess=depth - ceiling.most + 1),
            )


def depth_of(queue: str, tenant: Tenant | None) -> int:
    """Count the runs that wait in a queue, of one tenant or of all."""
    lanes = (
        QueueLane.objects.filter(queue=queue)
        if tenant is None
        else QueueLane.objects.filter(queue=queue, tenant=tenant)
    )
    in_line: int = lanes.aggregate(depth=Sum("queued"))["depth"] or 0  # a few lanes, instead of every run
    return in_line + sum(n for (q, pk), n in _read().held.items() if q == queue and (tenant is None or pk == tenant.pk))


def _read_all() -> _Known:
    ceilings = list(Ceiling.objects.filter(is_active=True))
    return _Known(ceilings, _held() if ceilings else {})


def _held() -> dict[tuple[str, UUID], int]:
    """Count those that stand in no lane because the circuit of their model is open: they wait all the same."""
    held = Run.objects.filter(status=RunStatus.QUEUED, held_by__isnull=False).order_by()
    return {(q, tenant): n for q, tenant, n in held.values_list("queue", "tenant").annotate(count=Count("pk"))}


def _of(ceilings: Sequence[Ceiling], queue: str, tenant: Tenant) -> list[Ceiling]:
    """Those that apply to a run. A tenant's own stands in for that of each tenant."""
    here = [one for one in ceilings if one.queue == queue]
    own = [one for one in here if one.tenant_id == tenant.pk] or [one for one in here if one.each_tenant]
    return own + [one for one in here if not one.tenant_id and not one.each_tenant]


def _retry_after_s(queue: str, tenant: Tenant | None, *, excess: int) -> int:
    """Estimate when there is room, from the starts of the last minute."""
    started = Run.objects.filter(queue=queue, started_at__gt=clock.now() - timedelta(seconds=_WINDOW_S))
    starts = (started.filter(tenant=tenant) if tenant else started).count()
    wait_s = math.ceil(excess * _WINDOW_S / starts) if starts else _RETRY_AFTER_MAX_S
    return min(max(1, wait_s), _RETRY_AFTER_MAX_S)


_read = TTLCache("the ceilings", _read_all)
forget_ceilings = _read.clear
