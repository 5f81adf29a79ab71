"""Fault points: named places where a test or `chaos` may kill or stop the process. Off unless told.

`AGENTOPS_FAULTS="tool.after:KILL:0.02,model.before:STOP:0.1"` arms points with a probability;
`AGENTOPS_FAULT_SEED` makes the draw repeatable.
"""

import os
import random
import signal
from functools import lru_cache

POINTS = (
    "claim.after",  # the lease is held, nothing done
    "model.before",  # the intent of a model call is committed
    "model.after",  # the answer has arrived, nothing is recorded
    "tool.before",  # the intent of a tool call is committed
    "tool.after",  # the effect has happened, nothing is recorded
    "journal.after",  # a transaction has been committed
    "settle.before",  # the run has ended in memory only
    "ring.before",  # committed, the doorbell not rung
    "reconcile.before",  # a dead lease was found, nothing done
)


@lru_cache(maxsize=1)
def _armed() -> dict[str, tuple[signal.Signals, float]]:
    armed = {}
    for part in filter(None, os.environ.get("AGENTOPS_FAULTS", "").split(",")):
        point, name, chance = part.split(":")
        if point not in POINTS:
            raise ValueError(f"AGENTOPS_FAULTS names no fault point {point!r}; there are {', '.join(POINTS)}")
        armed[point] = (signal.Signals[f"SIG{name}"], float(chance))
    return armed


@lru_cache(maxsize=1)
def _dice() -> random.Random:
    return random.Random(os.environ.get("AGENTOPS_FAULT_SEED", "0") + str(os.getpid()))  # noqa: S311 (faults, no secrets)


def fault_point(name: str) -> None:
    """Do nothing, unless this point is armed and the dice say so: then signal this very process."""
    armed = _armed()
    if not armed or name not in armed:
        return
    kind, chance = armed[name]
    if _dice().random() < chance:
        os.kill(os.getpid(), kind)
