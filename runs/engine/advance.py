"""One claim from start to end: continue the run, then record how the claim ended.

This is the only place that catches every exception, and it records all of them.
"""

import logging

from runs.declarations.catalog import errors_of, job_type_named
from runs.declarations.job_types import Agent, Job, JobType
from runs.engine.agent_loop import advance_agent
from runs.engine.classifier import classify
from runs.engine.finish_claim import describe, finish_claim
from runs.engine.function_job import advance_job
from runs.engine.journal import Journal, release_connection
from runs.engine.lease import CancelRequestedError, Lease, LeaseLostError, ReleaseRequestedError
from runs.engine.outcomes import Cancelled, Discarded, Failed, HeldBack, Lost, Outcome, RateLimitReached, Released
from runs.engine.permissions import check_owner
from runs.engine.retry import next_try
from runs.errors import (
    CircuitOpenError,
    HeldBackError,
    NotSupportedError,
    RateLimitReachedError,
    UnknownJobTypeError,
    UserCodeError,
)
from runs.fault_points import fault_point
from runs.models import Run
from runs.states import Effect, ErrorClass, StepStatus

log = logging.getLogger(__name__)


def advance(run: Run, lease: Lease) -> Outcome:
    """Continue a claimed run until it ends, waits or must be given up, and record the outcome."""
    fault_point("claim.after")
    journal = Journal(run, lease)
    try:
        outcome = _continue(journal)
    except LeaseLostError:
        outcome = Lost()
    except CancelRequestedError:
        outcome = Cancelled()
    except ReleaseRequestedError:
        outcome = Released()
    except RateLimitReachedError as error:
        outcome = RateLimitReached(error.need, error.wait_s, error.share_s)
    except HeldBackError as error:
        outcome = _hold_back(journal, error)
    except Exception as error:
        outcome = _judge(journal, error)
    finish_claim(journal, outcome)
    release_connection()
    if not isinstance(outcome, Failed):  # its dead letter is one line already
        log.info("run %s (%s): %s", run.pk, run.job_type, type(outcome).__name__.lower())
    return outcome


def _continue(journal: Journal) -> Outcome:
    if journal.run.cancel_requested_at:  # its worker died after the request: recover and do nothing more
        journal.lease.cancel.set()
    journal.lease.check()
    check_owner(journal.run)
    job_type = job_type_named(journal.run.job_type)
    return _advance(journal, job_type)


def _advance(journal: Journal, job_type: JobType) -> Outcome:
    match job_type:
        case Agent():
            return advance_agent(journal, job_type)
        case Job():
            return advance_job(journal, job_type)
        case _:
            raise NotSupportedError({"job_type": [f"a {job_type.form} cannot be run yet"]})


def _hold_back(journal: Journal, held: HeldBackError) -> Outcome:
    """Hold the run until the circuit that its call met has closed. This uses up no try."""
    met = held.__cause__ if isinstance(held, CircuitOpenError) else None
    if not isinstance(met, Exception):
        return HeldBack(held.breaker_id)
    if classify(met, errors_of(journal.run.job_type)) != ErrorClass.TRANSIENT:
        return _judge(journal, met)  # the job type has rows of its own
    _put_back(journal, met)
    return HeldBack(held.breaker_id, met)


def _judge(journal: Journal, error: BaseException) -> Outcome:
    """Retry transient errors later; fail the run for all others."""
    if isinstance(error, UserCodeError) and error.__cause__:
        error = error.__cause__
    release_connection()  # it may be what has failed
    try:
        job_type: JobType | None = job_type_named(journal.run.job_type)
    except UnknownJobTypeError:
        job_type = None
    if job_type and classify(error, job_type.errors) == ErrorClass.DISCARD:
        return Discarded(error)
    retry = next_try(error, journal.run, job_type)
    if retry is None:
        return Failed(error)
    _put_back(journal, error)
    return retry


def _put_back(journal: Journal, error: BaseException) -> None:
    """Set back to planned what this claim began and could not do.

    Recovery judges what a dead worker had begun, and effects, which may have happened.
    """
    for step in journal.steps:
        mine = step.status == StepStatus.STARTED and step.fence == journal.lease.fence
        if mine and step.effect in ("", Effect.READ):
            journal.reset_to_planned(step, **_named(error))


def _named(error: BaseException) -> dict[str, str]:
    described = describe(error)
    return {"kind": described["type"], "message": described["message"]}
