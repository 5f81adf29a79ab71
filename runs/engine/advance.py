"""One claim, from beginning to end: continue the run, and settle how it ended.

This is the only place that catches everything, and whatever it catches is recorded.
"""

import logging

from runs.declarations.catalog import job_type_named
from runs.declarations.job_types import Agent, Job, JobType
from runs.engine.agent_loop import advance_agent
from runs.engine.function_job import advance_job
from runs.engine.journal import Journal, release_connection
from runs.engine.lease import CancelRequestedError, Lease, LeaseLostError, ReleaseRequestedError
from runs.engine.outcomes import Cancelled, Failed, Lost, Outcome, Released, Retry
from runs.engine.permission import check_owner
from runs.engine.retry import retry_delay_s
from runs.engine.settle import describe, settle
from runs.errors import NotSupportedError, UnknownJobTypeError
from runs.fault_points import fault_point
from runs.models import Run, Step
from runs.states import Effect, StepStatus

log = logging.getLogger(__name__)


def advance(run: Run, lease: Lease) -> Outcome:
    """Continue a claimed run until it ends, waits or must be given up, and write that down."""
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
    except Exception as error:
        outcome = _judge(journal, error)
    settle(journal, outcome)
    release_connection()
    log.info("run %s (%s): %s", run.pk, run.job_type, type(outcome).__name__.lower())
    return outcome


def _continue(journal: Journal) -> Outcome:
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


def _judge(journal: Journal, error: Exception) -> Outcome:
    """Transient errors come back later, all others are the end of it."""
    try:
        delays = job_type_named(journal.run.job_type).retry_delays_s
    except UnknownJobTypeError:
        delays = None
    delay_s = retry_delay_s(error, attempt=journal.run.attempts + 1, delays_s=delays)
    if delay_s is None:
        log.warning("run %s failed", journal.run.pk, exc_info=error)
        return Failed(error)
    step = journal.current_step
    if step and step.status == StepStatus.STARTED:
        _plan_again(journal, step, error)
    return Retry(error, delay_s)


def _plan_again(journal: Journal, step: Step, error: Exception) -> None:
    """Put back what was not sent, and what may be repeated; what a former holder began, recovery must judge."""
    if journal.take_back(step, **_named(error)):
        return
    if step.fence == journal.lease.fence and step.effect in ("", Effect.READ, Effect.IDEMPOTENT):
        journal.put_back(step, **_named(error))


def _named(error: Exception) -> dict[str, str]:
    described = describe(error)
    return {"kind": described["type"], "message": described["message"]}
