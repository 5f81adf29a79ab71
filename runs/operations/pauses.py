"""Pausing a scope, and letting it go on. Each holds everywhere within a second."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from runs import clock
from runs.errors import ConflictError, InvalidInputError
from runs.models import Pause
from runs.operations.roles import OPERATORS, check_may_set
from runs.operations.scope import Scope, kept_words, told

_NAMES = ("queue", "job_type", "model", "tool")


def pause(scope: Scope, *, user: AbstractBaseUser, reason: str, until: datetime | None = None) -> Pause:
    """Let nothing new of a scope start. What works already goes on to its end.

    Raises: InvalidInputError naming each field; NotPermittedError; ConflictError if exactly this is paused already.
    """
    check_may_set(scope.tenant, user, OPERATORS, "pausing")
    problems = scope.problems()
    if not any(scope.columns.values()):
        problems["queue"] = ["name what is to be paused: a queue, job type, model, tool or tenant"]
    if not reason.strip():
        problems["reason"] = ["say why: runs that wait tell it"]
    if until and until <= clock.now():
        problems["until"] = ["must lie in the future"]
    if problems:
        raise InvalidInputError(problems)
    return told(_create(scope, user, reason, until), "paused", user)


def end_pause(paused: Pause, *, user: AbstractBaseUser) -> Pause:
    """Let what was paused start again; ending it twice changes nothing. Raises: NotPermittedError."""
    check_may_set(paused.tenant, user, OPERATORS, "pausing")
    Pause.objects.filter(pk=paused.pk, ended_at=None).update(ended_at=clock.now(), ended_by_id=user.pk)
    ended = Pause.objects.select_related("tenant", "paused_by", "ended_by").get(pk=paused.pk)
    return told(ended, "ended", user)


def overlapping(paused: Pause) -> QuerySet[Pause]:
    """Find the other pauses in force that hold back some or all of what this one is about."""
    others = _in_force().exclude(pk=paused.pk).select_related("tenant", "paused_by").order_by("paused_at")
    for name in _NAMES:
        if value := getattr(paused, name):
            others = others.filter(**{f"{name}__in": ["", value]})
    return others.filter(Q(tenant=None) | Q(tenant=paused.tenant_id)) if paused.tenant_id else others


def covers(other: Pause, paused: Pause) -> bool:
    """Say whether the other pause holds back all that this one is about."""
    return other.tenant_id in (None, paused.tenant_id) and all(
        getattr(other, name) in ("", getattr(paused, name)) for name in _NAMES
    )


def _create(scope: Scope, user: AbstractBaseUser, reason: str, until: datetime | None) -> Pause:
    same, now = Pause.objects.filter(**scope.columns, ended_at=None), clock.now()
    try:
        with transaction.atomic():
            same.filter(until__lte=now).update(ended_at=F("until"))  # its time is over, so another may begin
            return Pause.objects.create(
                **scope.columns, reason=kept_words(reason), until=until, paused_by_id=user.pk, paused_at=now
            )
    except IntegrityError as error:
        standing = same.select_related("tenant", "paused_by").first()
        if standing is None:
            raise
        raise ConflictError(
            f"{standing} is already paused by {standing.paused_by}, since {standing.paused_at:%Y-%m-%d %H:%M} UTC: "
            "end that pause before you set another"
        ) from error


def _in_force() -> QuerySet[Pause]:
    return Pause.objects.filter(Q(until=None) | Q(until__gt=clock.now()), ended_at=None)
