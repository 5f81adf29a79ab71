"""Setting ceilings of queues, and removing them. Each holds everywhere within a second."""

import logging

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from runs.declarations.catalog import job_types
from runs.errors import InvalidInputError
from runs.models import Ceiling, Role
from runs.operations.back_pressure import forget_ceilings
from runs.operations.roles import check_may_set
from runs.operations.scope import kept_words

log = logging.getLogger(__name__)


def set_ceiling(ceiling: Ceiling, *, user: AbstractBaseUser) -> Ceiling:
    """Store a ceiling that is new or was changed. What waits already goes on; no more is taken while it is reached.

    Raises: InvalidInputError naming each field; NotPermittedError.
    """
    _check_may(ceiling, user)
    _check(ceiling)
    ceiling.note, ceiling.updated_by_id = kept_words(ceiling.note), user.pk
    try:
        with transaction.atomic():
            ceiling.save()
    except IntegrityError as error:  # somebody else was faster
        raise InvalidInputError({"queue": [Ceiling.TAKEN]}) from error
    _tell(ceiling, "set", user)
    return ceiling


def remove_ceiling(ceiling: Ceiling, *, user: AbstractBaseUser) -> None:
    """Let a ceiling hold no longer. Raises: NotPermittedError."""
    _check_may(ceiling, user)
    Ceiling.objects.filter(pk=ceiling.pk).delete()
    _tell(ceiling, "removed", user)


def queues_of_job_types() -> list[str]:
    """Name the queues to which runs may be posted here; a ceiling of any other would hold nothing."""
    return sorted({job_type.queue for job_type in job_types()})


def _check_may(ceiling: Ceiling, user: AbstractBaseUser) -> None:
    check_may_set(ceiling.tenant, user, (Role.ADMIN,), "setting ceilings")


def _check(ceiling: Ceiling) -> None:
    queues = queues_of_job_types()
    if ceiling.pk is None and ceiling.queue not in queues:
        named = ", ".join(queues)
        raise InvalidInputError({"queue": [f"no job type here goes to {ceiling.queue!r}; there are {named}"]})
    try:
        ceiling.clean()
    except ValidationError as error:
        raise InvalidInputError(error.message_dict) from error


def _tell(ceiling: Ceiling, what: str, user: AbstractBaseUser) -> None:
    forget_ceilings()
    log.warning("ceiling %s by %s: %s", what, user.get_username(), ceiling)
