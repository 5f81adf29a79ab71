"""Fault points: named places where a test or `chaos` may kill or stop the process. Off by default.

`AGENTOPS_FAULTS="tool.after:KILL:0.02,model.before:STOP:0.1"` arms points with a probability;
`AGENTOPS_FAULT_SEED` makes the draw repeatable. `AGENTOPS_FAULT_LOG` names a file to which a process appends the
point, its id, the signal and the time before it is hit.
"""

import os
import random
import signal
import time
from functools import lru_cache

POINTS = (
    "claim.before",  # a run is claimed in an uncommitted transaction
    "claim.after",  # the lease is held, nothing done
    "model.before",  # the intent of a model call is committed
    "model.after",  # the answer has arrived, nothing is recorded
    "batch.before",  # a batch is about to be sent, and that is committed
    "batch.after",  # the provider has created it, its id is not recorded
    "ingest.before",  # a batch result is taken in, not committed
    "tool.before",  # the intent of a tool call is committed
    "tool.after",  # the effect has happened, nothing is recorded
    "journal.after",  # a transaction has been committed
    "settle.before",  # the run has ended in memory only
    "ring.before",  # committed, the doorbell not rung
    "recover.before",  # a step begun by a former holder was found, nothing done
    "reconcile.before",  # a dead lease was found, nothing done
    "wake.before",  # a sleeping or held run is due and moved, not committed
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
    """Signal this process if the point is armed and drawn; otherwise do nothing."""
    armed = _armed()
    if not armed or name not in armed:
        return
    kind, chance = armed[name]
    if _dice().random() < chance:
        _note(name, kind)
        os.kill(os.getpid(), kind)


def _note(name: str, kind: signal.Signals) -> None:
    """Log the hit in one write, which a kill cannot tear."""
    path = os.environ.get("AGENTOPS_FAULT_LOG")
    if not path:
        return
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(log, f"{name} {os.getpid()} {kind.name} {time.time():.6f}\n".encode())
    os.close(log)
