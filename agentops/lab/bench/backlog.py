"""A backlog: many runs that wait in their lines, made at once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from runs.models import Line, Run
from runs.models.line import rank_of
from runs.states import RunStatus


def queued_runs(lines: list[Line], each: int, user_id: Any, now: datetime) -> Iterator[Run]:
    """The runs as they came: a round of all tenants, then the next round."""
    for number in range(each * len(lines)):
        line = lines[number % len(lines)]
        created = now - timedelta(seconds=each * len(lines) - number)
        yield Run(
            tenant_id=line.tenant_id,
            requested_by_id=user_id,
            job_type=line.job_type,
            queue=line.queue,
            line=line,
            rank=rank_of(created.timestamp(), 5),
            status=RunStatus.QUEUED,
            input={"text": "go"},
            timeout_s=600,
            created_at=created,
            queued_at=created,
        )
