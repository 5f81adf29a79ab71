"""Post a run: validate, resolve conflicts, store, queue, ring the doorbell."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from runs import clock
from runs.declarations.catalog import job_type_named
from runs.declarations.job_types import Agent, JobType
from runs.engine.offered_tools import inherited
from runs.errors import (
    InvalidInputError,
    InvalidTransitionError,
    NotSupportedError,
    UnknownJobTypeError,
)
from runs.models import Run, Tenant
from runs.models.moves import begin
from runs.models.queue_lane import lane_for, rank_of
from runs.operations.backlog import check_backlog
from runs.operations.client_values import fit, fit_unchanged
from runs.operations.conflicts import Conflict, LockMovedError, UniquenessKey, meet, uniqueness_of
from runs.operations.idempotency import let_stand_for, run_of_key
from runs.states import Lane, RunStatus
from runs.storable import storable

_TRIES = 10  # a try is lost only to another post of the same key


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The fields of a post. Fields that are not built yet are refused, never ignored."""

    job_type: str
    input: Any
    priority: int = 5
    lane: str | None = None  # None: that of the job type
    scheduled_at: datetime | None = None
    timeout_s: float | None = None
    max_cost_usd: Decimal | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    webhook_url: str | None = None
    continues: UUID | None = None
    on_conflict: str | None = None  # None: as the job type says

    @classmethod
    def like(cls, run: Run, *, input: Any) -> "RunRequest":
        """Ask for another run with the options of this one."""
        return cls(
            job_type=run.job_type,
            input=input,
            priority=run.priority,
            lane=run.lane,
            timeout_s=run.timeout_s,
            max_cost_usd=run.max_cost_usd,
            metadata=run.metadata,
            continues=run.continues_id,
        )

    @property
    def body_hash(self) -> str:
        """Hash the request, to tell a repetition from a different request with the same key."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["on_conflict"] = self.on_conflict or "queue"
        values["lane"] = self.lane or Lane.STANDARD  # as hashed before lanes existed
        return hashlib.sha256(json.dumps(values, default=str, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to a request: a run, not necessarily new, and what was done about a conflict."""

    run: Run
    is_new: bool
    conflict: Conflict | None = None


def post_run(
    request: RunRequest,
    *,
    tenant: Tenant,
    user: AbstractBaseUser,
    origin: str,
    idempotency_key: str | None = None,
    forked_from: Run | None = None,
) -> tuple[Run, bool]:
    """Post a run as `post` does; return only the run and whether it is new."""
    intake = Intake(tenant=tenant, user=user, origin=origin, idempotency_key=idempotency_key, forked_from=forked_from)
    posted = post(request, intake)
    return posted.run, posted.is_new


@dataclass(frozen=True, slots=True)
class Intake:
    """Who posts, and how. Forks skip conflicts and backlog limits."""

    tenant: Tenant
    user: AbstractBaseUser
    origin: str
    idempotency_key: str | None = None
    forked_from: Run | None = None


def post(request: RunRequest, intake: Intake) -> Posted:
    """Store a run and ring the doorbell; or find the existing run to return in its place.

    Raises: InvalidInputError naming each field; NotSupportedError; ConflictError if the key was used with another
    body; InvalidTransitionError if the run to continue is not completed; QueueFullError; NotPermittedError if the user
    may not cancel the run to be replaced, or may use no tool of the run to be continued.
    """
    fit_unchanged("Idempotency-Key", intake.idempotency_key)
    if known := _known(request, intake):
        return known
    job_type, run_input = _validated(request)
    former = _former(request, intake.tenant)
    uniqueness = None
    if not intake.forked_from:
        uniqueness = uniqueness_of(
            request.on_conflict, job_type, run_input, tenant=intake.tenant, continues=request.continues
        )
    for _ in range(_TRIES):
        try:
            with transaction.atomic():
                return _post(request, intake, job_type, run_input, former=former, uniqueness=uniqueness)
        except LockMovedError:
            continue
        except IntegrityError:
            if known := _known(request, intake):
                return known
            raise
    raise InvalidTransitionError("other posts of the same key were faster, several times: post again")


def _known(request: RunRequest, intake: Intake) -> Posted | None:
    """Find the answer given earlier to this request's key. Raises: ConflictError."""
    if not intake.idempotency_key:
        return None
    run = run_of_key(intake.tenant, intake.idempotency_key, body_hash=request.body_hash)
    return Posted(run, is_new=False) if run else None


def _post(
    request: RunRequest,
    intake: Intake,
    job_type: JobType,
    run_input: dict[str, Any],
    *,
    former: Run | None,
    uniqueness: UniquenessKey | None,
) -> Posted:
    """Store the run, unless another one wins the conflict. Raises: as `post`, and LockMovedError."""
    run_id = uuid4()
    conflict = meet(uniqueness, run_id, user=intake.user) if uniqueness else None
    if conflict and not conflict.is_new:
        return _answer(request, intake, conflict)
    if not intake.forked_from:
        check_backlog(job_type.queue, intake.tenant)
    run = new_run(request, job_type, run_input, intake, pk=run_id)
    if former:
        run.continues, run.definition = former, inherited(former.definition, run)
    if uniqueness:
        run.unique_key, run.on_conflict = uniqueness.key, uniqueness.policy
    if conflict and conflict.waits:
        run.status, run.queued_at = RunStatus.SCHEDULED, None
        run.next_attempt_at = run.next_attempt_at or run.created_at
    begin(run, actor=intake.user.get_username())
    return Posted(run, is_new=True, conflict=conflict)


def _answer(request: RunRequest, intake: Intake, conflict: Conflict) -> Posted:
    """Answer with an existing run; attach the key to it, if one was given."""
    run = Run.objects.get(pk=conflict.run)
    if intake.idempotency_key:
        let_stand_for(run, tenant=intake.tenant, key=intake.idempotency_key, body_hash=request.body_hash)
    return Posted(run, is_new=False, conflict=conflict)


def _validated(request: RunRequest) -> tuple[JobType, dict[str, Any]]:
    if request.webhook_url:
        raise NotSupportedError({"webhook_url": ["webhooks are not built yet; poll the run"]})
    try:
        job_type = job_type_named(request.job_type)
    except UnknownJobTypeError as error:
        raise InvalidInputError({"job_type": [f"{error}; see /api/v1/job-types/"]}) from error
    what_it_is = f"{job_type.name} is a {job_type.form}"
    if request.lane == Lane.BATCH and not isinstance(job_type, Agent):
        raise InvalidInputError({"lane": [f"`batch` is for agents; {what_it_is}: leave it out"]})
    if request.max_cost_usd is not None and not isinstance(job_type, Agent):
        problem = f"{what_it_is}, which asks no model and so costs nothing: leave it out"
        raise NotSupportedError({"max_cost_usd": [problem]})
    fit("metadata", dict(request.metadata))
    return job_type, job_type.validate_input(fit("input", request.input))


def _former(request: RunRequest, tenant: Tenant) -> Run | None:
    """Find the completed run whose conversation continues."""
    if request.continues is None:
        return None
    former = Run.objects.filter(tenant=tenant, pk=request.continues, job_type=request.job_type).first()
    if former is None:
        raise InvalidTransitionError("`continues`: no run of this tenant and job type has this id")
    if former.state != RunStatus.COMPLETED:
        raise InvalidTransitionError(f"only a completed run can be continued; it is {former.status}")
    if not isinstance(job_type_named(former.job_type), Agent):
        raise InvalidTransitionError("`continues`: only an agent's conversation can go on")
    return former


def new_run(
    request: RunRequest, job_type: JobType, run_input: dict[str, Any], intake: Intake, *, pk: UUID | None = None
) -> Run:
    """Build the row of a run without storing it. The input must be validated."""
    now = clock.now()
    later = request.scheduled_at if request.scheduled_at and request.scheduled_at > now else None
    ceiling = job_type.max_cost_usd if request.max_cost_usd is None else request.max_cost_usd
    return Run(
        id=pk or uuid4(),
        tenant=intake.tenant,
        job_type=job_type.name,
        queue=job_type.queue,
        lane=request.lane or (job_type.lane if isinstance(job_type, Agent) else Lane.STANDARD),
        priority=request.priority,
        queue_lane=lane_for(
            queue=job_type.queue, tenant=intake.tenant, job_type=job_type.name, cap=job_type.max_running_per_tenant
        ),
        rank=rank_of((later or now).timestamp(), request.priority),
        status=RunStatus.SCHEDULED if later else RunStatus.QUEUED,
        input=run_input,
        metadata=storable(dict(request.metadata)),
        requested_by_id=intake.user.pk,
        origin=intake.origin,
        idempotency_key=intake.idempotency_key,
        forked_from=intake.forked_from,
        body_hash=request.body_hash,
        timeout_s=request.timeout_s or job_type.timeout_s,
        max_cost_usd=None if ceiling is None else Decimal(str(ceiling)),
        next_attempt_at=later,
        event_seq=1,
        created_at=now,
        queued_at=None if later else now,
    )
