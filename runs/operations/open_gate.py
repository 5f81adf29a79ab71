"""Opening the gate of a model by hand: an operator knows that the provider works again."""

import logging

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from runs.models import Gate

log = logging.getLogger(__name__)


def open_gate(gate: Gate, *, user: AbstractBaseUser | AnonymousUser) -> bool:
    """Open it; the runs that it holds go on with the next sweep. Returns False if it was open already."""
    shut = Gate.objects.filter(pk=gate.pk, shut_until__isnull=False)
    opened = shut.update(shut_until=None, shut_by="", reason="", times_shut=0, probe=None)
    if opened:
        log.warning("gate %s opened by %s", gate, user.get_username())
    return bool(opened)
