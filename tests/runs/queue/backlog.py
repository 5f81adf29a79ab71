"""A backlog: runs that wait in one line."""

from datetime import timedelta

from runs import clock
from runs.models import QueueLane, Run
from runs.models.queue_lane import lane_for, rank_of
from runs.operations.accounts import make_member, make_tenant
from runs.states import RunStatus


def fill(slug, count, *, queue="agents", job_type="clerk", priority=5, since_s=3600.0):
    """Let so many runs of a tenant wait, the first since so long."""
    tenant, now = make_tenant(slug), clock.now()
    lane = lane_for(queue=queue, tenant=tenant, job_type=job_type, cap=None)
    first = now - timedelta(seconds=since_s)
    times = [first + timedelta(seconds=since_s * number / count) for number in range(count)]
    Run.objects.bulk_create(
        [
            Run(
                tenant=tenant, job_type=job_type, queue=queue, queue_lane=lane, priority=priority,
                status=RunStatus.QUEUED,
                input={"text": "x"}, requested_by=make_member(tenant, None), timeout_s=600, event_seq=1,
                rank=rank_of(at.timestamp(), priority), created_at=at, queued_at=at,
            )
            for at in times
        ],
        batch_size=500,
    )  # fmt: skip
    QueueLane.objects.filter(pk=lane.pk).update(queued=count)
