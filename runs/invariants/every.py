"""All invariants together."""

import inspect
import time
from collections.abc import Iterator, Sequence
from types import ModuleType

from django.db import DatabaseError

from runs.extensions import INVARIANTS
from runs.invariants import of_decisions, of_money, of_queue, of_runs, of_secrets, of_steps, of_values
from runs.invariants.breach import Breach, Check, look_at_every_table

_MODULES = (of_runs, of_queue, of_steps, of_decisions, of_money, of_secrets, of_values)


def every_check() -> Sequence[Check]:
    """List every check: those of runs, and those added by other apps."""
    return (*(check for module in _MODULES for check in checks_of(module)), *INVARIANTS)


def checks_of(module: ModuleType) -> list[Check]:
    """List the checks of a module: its public functions."""
    own = [one for one in vars(module).values() if inspect.isfunction(one) and one.__module__ == module.__name__]
    return [function for function in own if not function.__name__.startswith("_")]


def breaches(*, look_again_after_s: float = 1.0, checks: Sequence[Check] | None = None) -> Iterator[Breach]:
    """Run every check on the database; yield nothing when all is well.

    A run may change while it is read. So each breach is checked again after a moment, and reported only if it is found
    again, word for word: a breach stays, a run in motion moves on.
    Raises: DatabaseError if the database is away, or lacks a table or column.
    """
    found = {check: set(_look(check)) for check in (every_check() if checks is None else checks)}
    if not any(found.values()):
        return
    time.sleep(look_again_after_s)  # runs in motion have moved on by then
    for check, suspects in found.items():
        if suspects:
            yield from (breach for breach in _look(check) if breach in suspects)


def _look(check: Check) -> Iterator[Breach]:
    """Run one check to its end. A row that stops it is a breach too, and does not stop the other checks."""
    try:
        yield from check()
    except Exception as error:
        if isinstance(error, DatabaseError):
            look_at_every_table()
        name = getattr(check, "__name__", "a check")
        yield Breach(26, "-", f"{name} was stopped by a row that it cannot read: {type(error).__name__}: {error}")
