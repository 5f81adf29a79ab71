"""A backlog: many runs that wait in their lanes, made at once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from runs.models import QueueLane, Run
from runs.models.queue_lane import rank_of
from runs.states import RunStatus


def queued_runs(lanes: list[QueueLane], each: int, user_id: Any, now: datetime) -> Iterator[Run]:
    """The runs as they came: a round of all tenants, then the next round."""
    for number in range(each * len(lanes)):
        lane = lanes[number % len(lanes)]
        created = now - timedelta(seconds=each * len(lanes) - number)
        yield Run(
            tenant_id=lane.tenant_id,
            requested_by_id=user_id,
            job_type=lane.job_type,
            queue=lane.queue,
            queue_lane=lane,
            rank=rank_of(created.timestamp(), 5),
            status=RunStatus.QUEUED,
            input={"text": "go"},
            timeout_s=600,
            created_at=created,
            queued_at=created,
        )
