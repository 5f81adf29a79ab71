"""Effects that may or may not have happened: detect them, gather the evidence, and ask a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

from runs.conf import conf
from runs.engine.asking import ask
from runs.engine.journal import Journal
from runs.errors import LeftOpenError
from runs.models import RunEvent, Step
from runs.states import ActionKind, Effect, ErrorClass


def may_have_happened(step: Step, error: BaseException, kind: ErrorClass) -> bool:
    """Say whether an error leaves open if the effect happened: a lost answer does, a rejection does not."""
    if isinstance(error, LeftOpenError):  # the code had returned; the rollback undid nothing outside the database
        return step.effect not in (Effect.READ, Effect.IDEMPOTENT)
    return kind == ErrorClass.UNKNOWN_OUTCOME or (kind == ErrorClass.TRANSIENT and step.effect != Effect.READ)


def how_it_was_lost(step: Step) -> dict[str, str]:
    """Name what ended the last try of a begun step: its recorded error, else the loss of its worker."""
    error = step.error or {"type": "WorkerLost", "message": "the worker was lost during the call"}
    return {"kind": error["type"], "message": error["message"]}


def leave_in_doubt(journal: Journal, step: Step, *, may_repeat: bool, kind: str, message: str) -> bool:
    """Record a try whose effect may have happened; return whether a person must decide about it.

    With `may_repeat` the effect class decides at the next try (`recover_effect`); otherwise a person is asked now.
    """
    if may_repeat:
        journal.keep_in_doubt(step, kind=kind, message=message)
    else:
        ask_for_outcome(journal, step, kind=kind, message=message)
    return not may_repeat


def ask_for_outcome(journal: Journal, step: Step, *, kind: str, message: str) -> None:
    """Mark an effect that may have happened as unknown, and ask a person."""
    evidence = evidence_of(journal, step)
    journal.mark_in_doubt(step, kind=kind, message=message)
    begun = f"{step.started_at:%Y-%m-%d %H:%M:%S} UTC" if step.started_at else "an unknown time"
    action = ask(
        journal,
        step,
        ActionKind.OUTCOME,
        reason=f"{step.name} was begun at {begun} and its result was lost ({kind}: {message}). "
        f"Find out by the effect key {step.effect_key} whether it happened.",
    )
    action.evidence = evidence


def may_arrive_until(step: Step) -> datetime | None:
    """Say until when the first call may still arrive: its deadline and a grace."""
    return step.deadline_at and step.deadline_at + timedelta(seconds=conf().lease_s)


def evidence_of(journal: Journal, step: Step) -> dict[str, Any]:
    """Gather the evidence about an effect.

    Shape: {begun_at, last_heartbeat_at, worker, may_arrive_until}; times are ISO 8601 in UTC, or None. The heartbeat is
    that of a lost worker, and None if the worker lives and only the answer was lost.
    """
    lost = _rescue_of(step)
    return {
        "begun_at": _text(step.started_at),
        "last_heartbeat_at": _text(datetime.fromisoformat(lost["heartbeat_at"])) if "heartbeat_at" in lost else None,
        "worker": lost.get("worker") or (journal.lease.worker_name if step.fence == journal.lease.fence else None),
        "may_arrive_until": _text(may_arrive_until(step)),
    }


def _rescue_of(step: Step) -> dict[str, Any]:
    """Find what the rescue of the claim that began this step has recorded."""
    rescues = RunEvent.objects.filter(run=step.run_id, kind="run.rescued").order_by("-seq")
    return next((event.data for event in rescues if event.data.get("fence") == step.fence), {})


def _text(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
