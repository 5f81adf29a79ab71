"""What is known about a call whose outcome is not: for the person who must find out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from runs.conf import conf
from runs.engine.journal import Journal
from runs.models import RunEvent, Step


def may_arrive_until(step: Step) -> datetime | None:
    """Say until when the first call may still arrive: its deadline and a grace."""
    return step.deadline_at and step.deadline_at + timedelta(seconds=conf().lease_s)


def evidence_of(journal: Journal, step: Step) -> dict[str, Any]:
    """Gather what is known.

    Shape: {begun_at, last_heartbeat_at, worker, may_arrive_until}; times are ISO 8601 in UTC, or None. The heartbeat
    is that of a worker that was lost; one that lives and lost only the answer has none to show.
    """
    lost = _rescue_of(step)
    return {
        "begun_at": _text(step.started_at),
        "last_heartbeat_at": _text(datetime.fromisoformat(lost["heartbeat_at"])) if "heartbeat_at" in lost else None,
        "worker": lost.get("worker") or (journal.lease.worker_name if step.fence == journal.lease.fence else None),
        "may_arrive_until": _text(may_arrive_until(step)),
    }


def _rescue_of(step: Step) -> dict[str, Any]:
    """Find what the rescue of the claim that began this step has told."""
    rescues = RunEvent.objects.filter(run=step.run_id, kind="run.rescued").order_by("-seq")
    return next((event.data for event in rescues if event.data.get("fence") == step.fence), {})


def _text(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
