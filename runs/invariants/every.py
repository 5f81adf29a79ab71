"""All invariants together."""

from collections.abc import Iterator

from runs.invariants import of_runs, of_steps
from runs.invariants.breach import Breach, Check

CHECKS: tuple[Check, ...] = (*of_runs.CHECKS, *of_steps.CHECKS)


def breaches() -> Iterator[Breach]:
    """Check everything that a database can show; nothing comes when all is well."""
    for check in CHECKS:
        yield from check()
