"""Posting a run: validate, store, queue, ring."""

import hashlib
import json
from collections.abc import Mapping, Sequence
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
from runs.errors import (
    ConflictError,
    InvalidInputError,
    InvalidTransitionError,
    NotSupportedError,
    UnknownJobTypeError,
)
from runs.hostile import clean, depth
from runs.models import Run, Step, Tenant
from runs.models.line import Line, join_line, line_for, rank_of
from runs.models.moves import tell_first
from runs.queue.doorbell import ring
from runs.states import RunStatus

DEPTH_MAX = 32


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What may be posted. Fields that are not built yet are refused, never ignored."""

    job_type: str
    input: Any
    priority: int = 5
    lane: str = "standard"
    scheduled_at: datetime | None = None
    timeout_s: float | None = None
    max_cost_usd: Decimal | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    webhook_url: str | None = None
    continues: UUID | None = None
    on_conflict: str = "queue"

    @property
    def body_hash(self) -> str:
        """Hash what was asked for, to tell a repetition from another request under the same key."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return hashlib.sha256(json.dumps(values, default=str, sort_keys=True).encode()).hexdigest()


def post_run(
    request: RunRequest,
    *,
    tenant: Tenant,
    user: AbstractBaseUser,
    origin: str,
    idempotency_key: str | None = None,
    forked_from: Run | None = None,
) -> tuple[Run, bool]:
    """Store a run and ring for it; return it and whether it is new.

    Raises: InvalidInputError naming each field; NotSupportedError; ConflictError if the key was used for
    another body; InvalidTransitionError if the run to continue is not completed.
    """
    if idempotency_key:
        known = _known(tenant, idempotency_key, request)
        if known:
            return known, False
    job_type, run_input = _validated(request)
    former = _former(request, tenant)
    try:
        with transaction.atomic():
            run = new_run(request, job_type, run_input, tenant=tenant, user=user, origin=origin)
            run.idempotency_key = idempotency_key
            run.forked_from = forked_from
            if former:
                run.continues, run.definition = former, former.definition
            insert_run(run, actor=user.get_username())
    except IntegrityError:
        known = _known(tenant, idempotency_key, request) if idempotency_key else None
        if not known:
            raise
        return known, False
    return run, True


def _known(tenant: Tenant, key: str, request: RunRequest) -> Run | None:
    """Find the run that was posted under this key. Raises: ConflictError if its body was another."""
    run = Run.objects.filter(tenant=tenant, idempotency_key=key).first()
    if run and run.body_hash != request.body_hash:
        raise ConflictError(f"the Idempotency-Key {key!r} was used with another body")
    return run


def _validated(request: RunRequest) -> tuple[JobType, dict[str, Any]]:
    _refuse_unbuilt(request)
    try:
        job_type = job_type_named(request.job_type)
    except UnknownJobTypeError as error:
        raise InvalidInputError({"job_type": [f"{error}; see /api/v1/job-types/"]}) from error
    for name, value in (("input", request.input), ("metadata", dict(request.metadata))):
        if depth(value) > DEPTH_MAX:
            raise InvalidInputError({name: [f"is nested more deeply than {DEPTH_MAX} levels"]})
    return job_type, job_type.validate_input(clean(request.input))


def _refuse_unbuilt(request: RunRequest) -> None:
    unbuilt = {
        "lane": request.lane != "standard" and "only `standard` is built so far",
        "webhook_url": request.webhook_url and "webhooks are not built yet; poll the run",
        "on_conflict": request.on_conflict != "queue" and "only `queue` is built so far",
    }
    refused = {name: [reason] for name, reason in unbuilt.items() if reason}
    if refused:
        raise NotSupportedError(refused)


def _former(request: RunRequest, tenant: Tenant) -> Run | None:
    """Find the completed run whose conversation goes on."""
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


def insert_run(run: Run, *, actor: str, steps: Sequence[Step] = ()) -> None:
    """Store a new run with the steps that it begins with, tell of it, and ring. Needs a transaction."""
    run.save(force_insert=True)
    Step.objects.bulk_create(steps)
    tell_first(run, f"run.{run.status}", actor=actor, at=run.created_at)
    join_line(run)
    if run.state == RunStatus.QUEUED:
        ring([run.queue])


def new_run(
    request: RunRequest,
    job_type: JobType,
    run_input: dict[str, Any],
    *,
    tenant: Tenant,
    user: AbstractBaseUser,
    origin: str,
) -> Run:
    """Build the row of a run, not stored yet. The input is validated already."""
    now = clock.now()
    later = request.scheduled_at if request.scheduled_at and request.scheduled_at > now else None
    ceiling = job_type.max_cost_usd if request.max_cost_usd is None else request.max_cost_usd
    return Run(
        id=uuid4(),
        tenant=tenant,
        job_type=job_type.name,
        queue=job_type.queue,
        lane=request.lane,
        priority=request.priority,
        line=_line(job_type, tenant),
        rank=rank_of((later or now).timestamp(), request.priority),
        status=RunStatus.SCHEDULED if later else RunStatus.QUEUED,
        input=run_input,
        metadata=clean(dict(request.metadata)),
        requested_by_id=user.pk,
        origin=origin,
        body_hash=request.body_hash,
        timeout_s=request.timeout_s or job_type.timeout_s,
        max_cost_usd=None if ceiling is None else Decimal(str(ceiling)),
        next_attempt_at=later,
        event_seq=1,
        created_at=now,
        queued_at=None if later else now,
    )


def _line(job_type: JobType, tenant: Tenant) -> Line:
    return line_for(queue=job_type.queue, tenant=tenant, job_type=job_type.name, cap=job_type.max_running_per_tenant)
