"""Close the circuit breaker of a model by hand: an operator knows that the provider works again."""

import logging

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from runs.models import CircuitBreaker

log = logging.getLogger(__name__)


def close_circuit(breaker: CircuitBreaker, *, user: AbstractBaseUser | AnonymousUser) -> bool:
    """Close a circuit; the next sweep releases the runs it holds. Returns False if it was already closed."""
    open_one = CircuitBreaker.objects.filter(pk=breaker.pk, open_until__isnull=False)
    if closed := open_one.update(open_until=None, open_reason="", reason="", times_opened=0, probe=None):
        log.warning("circuit %s closed by %s", breaker, user.get_username())
    return bool(closed)
