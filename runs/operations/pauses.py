"""Pause and resume. Each edit takes effect everywhere within a second."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from runs import clock
from runs.errors import ConflictError, InvalidInputError
from runs.models import Pause
from runs.operations.permissions import OPERATORS, check_may_set
from runs.operations.selectors import note_edit, problems_of
from runs.queue.waiting import ring_for
from runs.storable import storable_note

_NAMES = ("queue", "job_type", "model", "tool")


def pause(paused: Pause, *, user: AbstractBaseUser) -> Pause:
    """Keep everything that a pause selects from starting. What already runs goes on to its end.

    Raises: InvalidInputError naming each field; NotPermittedError; ConflictError if exactly this is paused already.
    """
    check_may_set(paused.tenant, user, OPERATORS, "pausing")
    problems = problems_of(paused)
    if not paused.tenant and not any(getattr(paused, name) for name in _NAMES):
        problems["queue"] = ["name what is to be paused: a queue, job type, model, tool or tenant"]
    if not paused.reason.strip():
        problems["reason"] = ["say why: runs that wait tell it"]
    if paused.until and paused.until <= clock.now():
        problems["until"] = ["must lie in the future"]
    if problems:
        raise InvalidInputError(problems)
    paused.reason, paused.paused_by_id, paused.paused_at = storable_note(paused.reason), user.pk, clock.now()
    _create(paused)
    note_edit(paused, "set", user)
    return paused


def end_pause(paused: Pause, *, user: AbstractBaseUser) -> Pause:
    """End a pause. Idempotent. Raises: NotPermittedError."""
    check_may_set(paused.tenant, user, OPERATORS, "pausing")
    Pause.objects.filter(pk=paused.pk, ended_at=None).update(ended_at=clock.now(), ended_by_id=user.pk)
    ended = Pause.objects.select_related("tenant", "paused_by", "ended_by").get(pk=paused.pk)
    note_edit(ended, "ended", user)
    ring_for(ended)
    return ended


def overlapping(paused: Pause) -> QuerySet[Pause]:
    """Find the other pauses in force that cover some or all of what this one selects."""
    in_force = Pause.objects.filter(Q(until=None) | Q(until__gt=clock.now()), ended_at=None)
    others = in_force.exclude(pk=paused.pk).select_related("tenant", "paused_by").order_by("paused_at")
    for name in _NAMES:
        if value := getattr(paused, name):
            others = others.filter(**{f"{name}__in": ["", value]})
    return others.filter(Q(tenant=None) | Q(tenant=paused.tenant_id)) if paused.tenant_id else others


def covers(other: Pause, paused: Pause) -> bool:
    """Say whether the other pause covers everything that this one selects."""
    return other.tenant_id in (None, paused.tenant_id) and all(
        getattr(other, name) in ("", getattr(paused, name)) for name in _NAMES
    )


def _create(paused: Pause) -> None:
    selected = {name: getattr(paused, name) for name in ("tenant", *_NAMES)}
    same = Pause.objects.filter(**selected, ended_at=None)
    try:
        with transaction.atomic():
            same.filter(until__lte=paused.paused_at).update(ended_at=F("until"))  # it has expired: another may begin
            paused.save(force_insert=True)
    except IntegrityError as error:
        present = same.select_related("tenant", "paused_by").first()
        if present is None:
            raise
        raise ConflictError(
            f"{present} is already paused by {present.paused_by}, since {present.paused_at:%Y-%m-%d %H:%M} UTC: "
            "end that pause before you set another"
        ) from error
