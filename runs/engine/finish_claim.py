"""Settling: turn an outcome into a status, in one transaction with the last results."""

import logging
import traceback
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from runs.declarations.catalog import errors_of
from runs.engine.cancel import is_to_be_cancelled, note, spent_after
from runs.engine.classifier import classify
from runs.engine.journal import Journal
from runs.engine.lease import LeaseLostError
from runs.engine.model_call import presume_spent
from runs.engine.outcomes import (
    Cancelled,
    Completed,
    Discarded,
    Failed,
    HeldBack,
    InBatch,
    Later,
    Lost,
    Outcome,
    RateLimitReached,
    Released,
    Retry,
    Waiting,
)
from runs.engine.rate_limits.hold import hold_for_rate_limit
from runs.engine.results import keep_output
from runs.engine.sleep import sleep, wake
from runs.errors import UnwritableError
from runs.extensions import Failure, move_to_dead_letters
from runs.fault_points import fault_point
from runs.models import CircuitBreaker, PendingAction, Run, Step
from runs.states import ActionStatus, Effect, HoldReason, RunStatus, StepKind, StepStatus
from runs.storable import storable_text
from runs.user_code.call import words_of

log = logging.getLogger(__name__)


def finish_claim(journal: Journal, outcome: Outcome) -> None:
    """Write what the claim ended with. A lost lease writes nothing; one that waits for a batch has written all."""
    if isinstance(outcome, Lost | InBatch):
        return
    fault_point("settle.before")
    journal.set(running_s=journal.run.running_s + journal.lease.counted_s)
    try:
        _write(journal, outcome)
    except (LeaseLostError, OperationalError, InterfaceError) as error:
        _leave_to_others(error)
    except Exception as error:
        _fail_without(journal, error)


def _leave_to_others(error: Exception) -> None:
    """A lost lease writes nothing. A database that is away ends the claim."""
    if not isinstance(error, LeaseLostError):
        raise error
    log.warning("%s; nothing was written", error)


def _fail_without(journal: Journal, error: Exception) -> None:
    """Give up a run of which something cannot be written down, without it: asking again would only cost again.

    What was begun ends as a dead worker's would: a model call counts as spent, an effect as unknown.
    """
    log.error("run %s: what it ended with cannot be written", journal.run.pk, exc_info=error)
    held_s = journal.lease.held_s
    run = Run.objects.select_related("tenant", "requested_by", "definition").get(pk=journal.run.pk)
    bare = Journal(run, journal.lease)
    bare.set(running_s=run.running_s + held_s)
    described = describe(error)
    cause = UnwritableError(f"what it ended with cannot be written: {described['type']}: {described['message']}")
    try:
        _fail(bare, cause)
    except LeaseLostError as lost:
        log.warning("%s; nothing was written", lost)


def _write(journal: Journal, outcome: Outcome) -> None:
    match outcome:
        case Completed(output):
            output = keep_output(journal, output)
            _end(journal, RunStatus.COMPLETED, output=output, progress_percent=100)
        case Failed(error):
            _fail(journal, error)
        case Cancelled():
            _cancel(journal)
        case Discarded(error):
            _discard(journal, error)
        case _:
            _leave(journal, outcome)


def _leave(journal: Journal, outcome: Outcome) -> None:
    """Put the run to sleep, or give it back: any worker goes on with it later."""
    match outcome:
        case Waiting():
            _wait(journal)
        case Retry():
            _retry(journal, outcome)
        case Later(why, delay_s):
            due = journal.lease.now() + timedelta(seconds=delay_s)
            data = {"why": why, "until": due.isoformat()}
            sleep(journal, RunStatus.SCHEDULED, "run.held_back", data=data, next_attempt_at=due)
        case HeldBack():
            journal.write_whole(lambda: _hold_back(journal, outcome))
        case RateLimitReached():
            hold_for_rate_limit(journal, outcome)
        case Released():
            _release(journal)


def _end(journal: Journal, status: RunStatus, **columns: Any) -> None:
    journal.record_event(f"run.{status}")
    journal.commit(to=status, **columns)


def _wait(journal: Journal) -> None:
    decided = PendingAction.objects.filter(run=journal.run, rule=None, decided_at__gte=journal.lease.claimed_at_db)
    sleep(journal, RunStatus.WAITING_FOR_CONFIRMATION, "run.waiting_for_confirmation", unless=decided.exists)


def _retry(journal: Journal, retry: Retry) -> None:
    last_error = _last_error(journal, retry.error)
    sleep(
        journal,
        RunStatus.RETRYING,
        "run.retrying",
        data={"error": last_error["type"], "delay_s": round(retry.delay_s, 1)},
        attempts=journal.run.attempts + 1,
        failed_tries=retry.failed,
        next_attempt_at=journal.lease.now() + timedelta(seconds=retry.delay_s),
        last_error=last_error,
    )


def _hold_back(journal: Journal, held: HeldBack) -> None:
    """Give the slot back and stand back from all claims, unless the circuit was closed meanwhile."""
    if held.error:
        journal.set(last_error=_last_error(journal, held.error))
    breaker_id = held.breaker_id
    open_ones = CircuitBreaker.objects.select_for_update().filter(open_until__isnull=False)
    breaker = open_ones.filter(pk=breaker_id).first() if breaker_id else None
    if breaker and breaker.open_until:
        journal.record_event("run.held_back", circuit=str(breaker), until=breaker.open_until.isoformat())
    else:
        journal.record_event("run.queued")
    held_by = {"hold_reason": HoldReason.CIRCUIT, "circuit_breaker_id": breaker.pk} if breaker else {}
    journal.commit(to=RunStatus.QUEUED, rate_need=None, **held_by)
    if breaker and is_to_be_cancelled(journal.run):
        wake(journal.run, actor="cancel")


def _release(journal: Journal) -> None:
    """Give the run back. An aborted model call is asked again; a tool's is recovered by its effect class."""
    for step in _begun(journal):
        if step.kind == StepKind.MODEL_CALL:
            presume_spent(journal, step, why="Released")
            journal.reset_to_planned(step, kind="Released", message="the worker ended during the call")
    journal.record_event("run.released")
    journal.commit(to=RunStatus.QUEUED)


def _begun(journal: Journal) -> list[Step]:
    return [step for step in journal.steps if step.status == StepStatus.STARTED]


def _close_begun(journal: Journal, *, kind: str, message: str) -> None:
    """End what is in flight: an effect may have happened and is unknown, anything else has failed."""
    for step in _begun(journal):
        if step.effect not in ("", Effect.READ):
            journal.mark_in_doubt(step, kind=kind, message=message)
            continue
        if step.kind == StepKind.MODEL_CALL:
            presume_spent(journal, step, why=kind)
        journal.fail(step, kind=kind, message=message)


def _fail(journal: Journal, error: BaseException) -> None:
    """Give up: the status, the failed step and the dead letter are written together, or not at all."""
    run, described = journal.run, describe(error)
    step = next(iter(_begun(journal)), None) or journal.current_step or next(reversed(journal.steps), None)
    counters = {"attempts": run.attempts + 1, "crashes": run.crashes}  # what failed is no progress
    with transaction.atomic():
        if step and step.status == StepStatus.PLANNED:
            journal.fail(step, kind=described["type"], message=described["message"])
        _close_begun(journal, kind=described["type"], message=described["message"])
        journal.record_event("run.failed", error=described["type"])
        journal.commit(
            to=RunStatus.FAILED,
            last_error=_last_error(journal, error),
            **counters,
        )
        _close_actions(journal)
        move_to_dead_letters(
            Failure(
                run_id=run.pk,
                tenant=run.tenant.slug,
                job_type=run.job_type,
                arguments=run.input,
                step=step.seq if step else None,
                step_name=step.name if step else "",
                error_class=described["type"],
                error_message=described["message"],
                traceback=_traceback(error),
                attempts=counters["attempts"],
                cost_usd=run.cost_usd,
                effects=effects_of(journal),
                failed_at=journal.lease.now(),
                attempt=step.attempt if step else 0,
                version=(run.definition_id or "")[:12],
                error_kind=str(classify(error, errors_of(run.job_type))),
                forked_from=run.forked_from_id,
            )
        )


def _discard(journal: Journal, error: BaseException) -> None:
    """End as cancelled because an error says that the work is pointless: no dead letter, no mail."""
    described = describe(error)
    journal.set(
        last_error=_last_error(journal, error),
        cancellation=note(journal.run, journal.steps) | {"reason": "{type}: {message}".format_map(described)},
        cancel_requested_at=journal.lease.now(),
        cancel_requested_by=journal.run.job_type,
    )
    _close(journal, because=described["type"])


def _cancel(journal: Journal) -> None:
    """End as cancelled because somebody has asked for it."""
    journal.run.refresh_from_db(fields=["cancellation", "cancel_requested_at", "cancel_requested_by"])
    _close(journal)


def _close(journal: Journal, **data: Any) -> None:
    """Cancel: what was begun stays visible as unknown, what was planned is skipped."""
    with transaction.atomic():
        for step in journal.steps:
            if step.status == StepStatus.PLANNED:
                step.status = StepStatus.SKIPPED
                journal.keep(step)
        _close_begun(journal, kind="Cancelled", message="the run was cancelled during the call")
        run = journal.run
        journal.set(cancellation=note(run, journal.steps))
        journal.record_event("run.cancelled", spent_after_usd=f"{spent_after(run):f}", **data)
        journal.commit(to=RunStatus.CANCELLED)
        _close_actions(journal)


def _close_actions(journal: Journal) -> None:
    """Ask nobody any more. After the commit, which also writes the actions that this claim has opened."""
    PendingAction.objects.filter(run=journal.run, status=ActionStatus.OPEN).update(
        status=ActionStatus.CANCELLED, decided_at=journal.lease.now()
    )


def _last_error(journal: Journal, error: BaseException) -> dict[str, str]:
    return describe(error) | {"at": journal.lease.now().isoformat()}


def describe(error: BaseException) -> dict[str, str]:
    """Name an error for people. Shape: {type, message}, cut and without secrets."""
    return {"type": type(error).__name__, "message": storable_text(words_of(error), 2000)}


def _traceback(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    return storable_text(text)[-20_000:]


def effects_of(journal: Journal) -> dict[str, list[dict[str, Any]]]:
    """List the effects that have happened, and those that may have."""
    effects: dict[str, list[dict[str, Any]]] = {"done": [], "unknown": []}
    for step in journal.steps:
        if step.effect and step.effect != Effect.READ:
            entry = {"seq": step.seq, "tool": step.name, "effect_key": step.effect_key}
            if step.status == StepStatus.COMPLETED:
                effects["done"].append(entry)
            elif step.status in (StepStatus.UNKNOWN, StepStatus.STARTED):
                effects["unknown"].append(entry)
    return effects
