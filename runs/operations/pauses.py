"""Pausing a scope, and letting it go on. Each holds everywhere within a second."""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from runs import clock
from runs.errors import InvalidInputError
from runs.models import Pause
from runs.operations.roles import OPERATORS, check_may_set
from runs.operations.scope import Scope, kept_words, told


def pause(scope: Scope, *, user: AbstractBaseUser, reason: str, until: datetime | None = None) -> Pause:
    """Let nothing new of a scope start. What works already goes on to its end.

    Raises: InvalidInputError naming each field; NotPermittedError.
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
    paused = Pause.objects.create(
        **scope.columns, reason=kept_words(reason), until=until, paused_by_id=user.pk, paused_at=clock.now()
    )
    return told(paused, "paused", user)


def end_pause(paused: Pause, *, user: AbstractBaseUser) -> Pause:
    """Let what was paused start again; ending it twice changes nothing. Raises: NotPermittedError."""
    check_may_set(paused.tenant, user, OPERATORS, "pausing")
    Pause.objects.filter(pk=paused.pk, ended_at=None).update(ended_at=clock.now(), ended_by_id=user.pk)
    ended = Pause.objects.select_related("tenant", "paused_by", "ended_by").get(pk=paused.pk)
    return told(ended, "ended", user)
