"""Fault points: named places where a test or `chaos` may kill or stop the process. Off unless told.

`AGENTOPS_FAULTS="tool.after:KILL:0.02,model.before:STOP:0.1"` arms points with a probability;
`AGENTOPS_FAULT_SEED` makes the draw repeatable. `AGENTOPS_FAULT_LOG` names a file to which a process that is hit
first appends the point, its id, the signal and the time.
"""

import os
import random
import signal
import time
from functools import lru_cache

POINTS = (
    "claim.before",  # a run is taken inside a transaction that is not committed
    "claim.after",  # the lease is held, nothing done
    "model.before",  # the intent of a model call is committed
    "model.after",  # the answer has arrived, nothing is recorded
    "batch.before",  # a batch is about to be sent, and that is committed
    "batch.after",  # the provider has made it, its id is not recorded
    "ingest.before",  # a result of a batch is taken in, not committed
    "tool.before",  # the intent of a tool call is committed
    "tool.after",  # the effect has happened, nothing is recorded
    "journal.after",  # a transaction has been committed
    "settle.before",  # the run has ended in memory only
    "ring.before",  # committed, the doorbell not rung
    "recover.before",  # a step that a former holder had begun was found, nothing done
    "reconcile.before",  # a dead lease was found, nothing done
    "wake.before",  # a timer is due and moved, not committed
    "expire.before",  # an action has expired, not committed
    "decide.before",  # a person has decided, not committed
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
        _note(name, kind)
        os.kill(os.getpid(), kind)


def _note(name: str, kind: signal.Signals) -> None:
    """Leave word of the hit, in one write that no death can cut in two."""
    path = os.environ.get("AGENTOPS_FAULT_LOG")
    if not path:
        return
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(log, f"{name} {os.getpid()} {kind.name} {time.time():.6f}\n".encode())
    os.close(log)
