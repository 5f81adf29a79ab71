"""Back-pressure: refuse new runs for a queue that has reached a backlog limit.

Only posting checks. Retries, redrives and timers were admitted before. Nothing is locked, so simultaneous posts may
exceed a limit by their number.
"""

import math
from collections import Counter
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Sum

from runs import clock
from runs.engine.limits.rules import rules
from runs.errors import QueueFullError
from runs.models import Limit, QueueLane, Run, Tenant
from runs.states import RunStatus
from runs.ttl_cache import TTLCache

_WINDOW_S = 60.0  # the window whose starts tell how fast a queue is
_RETRY_AFTER_MAX_S = 300


def check_backlog(queue: str, tenant: Tenant) -> None:
    """Refuse a new run if a backlog limit of its queue is reached. Raises: QueueFullError."""
    for limit in _limits_of(queue, tenant):
        of_tenant = tenant if limit.tenant_id or limit.each_tenant else None
        depth = depth_of(queue, of_tenant)
        if depth >= limit.most:
            raise QueueFullError(
                queue,
                depth=depth,
                limit=limit.most,
                whose=f" of the tenant {tenant.slug}" if of_tenant else "",
                retry_after_s=_retry_after_s(queue, of_tenant, excess=depth - limit.most + 1),
            )


def depth_of(queue: str, tenant: Tenant | None) -> int:
    """Count the runs waiting in a queue, of one tenant or of all tenants."""
    lanes = QueueLane.objects.filter(queue=queue)
    lanes = lanes.filter(tenant=tenant) if tenant else lanes
    in_lanes: int = lanes.aggregate(depth=Sum("queued"))["depth"] or 0  # reads a few lanes instead of every run
    return in_lanes + sum(n for (q, pk), n in _held().items() if q == queue and (tenant is None or pk == tenant.pk))


def runs_waiting(limit: Limit) -> Counter[UUID]:
    """Count what a backlog limit counts now, by tenant."""
    lanes = QueueLane.objects.filter(queue=limit.queue).order_by().values_list("tenant").annotate(Sum("queued"))
    found = Counter(dict(lanes))
    found.update({tenant: count for (queue, tenant), count in _held().items() if queue == limit.queue})
    return Counter({limit.tenant_id: found[limit.tenant_id]}) if limit.tenant_id else found


def _read_held() -> dict[tuple[str, UUID], int]:
    """Count the runs in no lane because the circuit of their model is open: they wait too.

    Shape: by queue and tenant.
    """
    held = Run.objects.filter(status=RunStatus.QUEUED, circuit_breaker__isnull=False).order_by()
    return {(q, tenant): n for q, tenant, n in held.values_list("queue", "tenant").annotate(count=Count("pk"))}


_held = TTLCache("the runs that a circuit breaker holds", _read_held)


def _limits_of(queue: str, tenant: Tenant) -> list[Limit]:
    """List the limits that apply to a run. A tenant's own limit overrides the one for each tenant."""
    here = [one for one in rules().backlogs if one.queue == queue]
    own = [one for one in here if one.tenant_id == tenant.pk] or [one for one in here if one.each_tenant]
    return own + [one for one in here if not one.tenant_id and not one.each_tenant]


def _retry_after_s(queue: str, tenant: Tenant | None, *, excess: int) -> int:
    """Estimate when the backlog will have shrunk enough, from the starts of the last minute."""
    started = Run.objects.filter(queue=queue, started_at__gt=clock.now() - timedelta(seconds=_WINDOW_S))
    starts = (started.filter(tenant=tenant) if tenant else started).count()
    wait_s = math.ceil(excess * _WINDOW_S / starts) if starts else _RETRY_AFTER_MAX_S
    return min(max(1, wait_s), _RETRY_AFTER_MAX_S)
