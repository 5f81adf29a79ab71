"""Why does a run wait, and until when? One function answers for the worker, the API and the console."""

from dataclasses import dataclass
from datetime import datetime

from runs.models import Line, PendingAction, Run, Worker
from runs.states import ActionKind, ActionStatus, RunStatus


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `until` is the earliest time at which it may end, None if nobody knows."""

    code: str
    message: str
    until: datetime | None = None


def why(run: Run) -> list[Reason]:
    """List every reason why a run is not working now; empty if it is, or has ended."""
    reasons: list[Reason] = []
    match run.state:
        case RunStatus.SCHEDULED:
            reasons.append(Reason("scheduled", "starts by its timer", run.next_attempt_at))
        case RunStatus.RETRYING:
            reasons.append(_backoff(run))
        case RunStatus.QUEUED:
            reasons += _held_back(run)
        case RunStatus.WAITING_FOR_CONFIRMATION:
            reasons += _decisions(run)
        case RunStatus.WAITING_FOR_CHILDREN:
            reasons.append(Reason("children", "child runs have not all ended"))
        case RunStatus.WAITING_FOR_BATCH:
            reasons.append(Reason("batch", "its model call lies in a message batch"))
        case RunStatus.RUNNING if run.cancel_requested_at:
            reasons.append(Reason("cancelling", f"{run.cancel_requested_by} asked to cancel it"))
    return reasons


def _backoff(run: Run) -> Reason:
    error = (run.last_error or {}).get("type", "an error")
    return Reason("backoff", f"try {run.attempts + 1} after {error}", run.next_attempt_at)


def _held_back(run: Run) -> list[Reason]:
    reasons = []
    if run.alone:
        reasons.append(Reason("limit", f"lost {run.crashes} workers at one step: tried by one that holds nothing else"))
    if run.held_by:
        message = f"{run.held_by} is not asked: {run.held_by.reason or 'it was opened just now'}"
        reasons.append(Reason(run.held_by.shut_by or "circuit", message, run.held_by.shut_until))
    line = Line.objects.get(pk=run.line_id)
    if line.cap is not None and line.running >= line.cap:
        holder = Run.objects.filter(line=line, status=RunStatus.RUNNING).values_list("pk", flat=True).first()
        reasons.append(Reason("limit", f"{line.running} of {line.cap} for this tenant, held by run {holder}"))
    if not any(run.queue in worker.queues for worker in Worker.objects.alive()):
        reasons.append(Reason("no_worker", f"no live worker serves the queue {run.queue!r}"))
    return reasons


_WORDS = {
    ActionKind.APPROVAL: "needs approval of {tool}",
    ActionKind.QUESTION: "asked a question",
    ActionKind.OUTCOME: "must be told whether {tool} happened",
    ActionKind.BUDGET: "has used up its budget",
}


def _decisions(run: Run) -> list[Reason]:
    actions = PendingAction.objects.filter(run=run, status=ActionStatus.OPEN)
    return [
        Reason(
            action.kind,
            _WORDS[ActionKind(action.kind)].format(tool=action.tool or "a step"),
            action.expires_at,
        )
        for action in actions
    ]
