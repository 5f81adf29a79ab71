"""All invariants together."""

import time
from collections.abc import Iterator, Sequence

from runs.invariants import of_decisions, of_locks, of_money, of_redis, of_runs, of_secrets, of_steps
from runs.invariants.breach import Breach, Check

CHECKS: tuple[Check, ...] = (
    *of_runs.CHECKS,
    *of_locks.CHECKS,
    *of_steps.CHECKS,
    *of_decisions.CHECKS,
    *of_money.CHECKS,
    *of_secrets.CHECKS,
    *of_redis.CHECKS,
)


def breaches(*, look_again_after_s: float = 1.0, checks: Sequence[Check] = CHECKS) -> Iterator[Breach]:
    """Check everything that a database can show; nothing comes when all is well.

    A run may change while it is read. So whoever breaks something is looked at once more after a moment, and only
    what is found again, word for word, is told: a breach stays, a run that moves does not.
    """
    found = {check: set(check()) for check in checks}
    if not any(found.values()):
        return
    time.sleep(look_again_after_s)  # what is only in motion has moved on by then
    for check, suspects in found.items():
        if suspects:
            yield from (breach for breach in check() if breach in suspects)
