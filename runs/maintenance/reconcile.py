"""The reconciler: one sweep over everything that is due. Runs inside every worker, and by command."""

import logging
from collections.abc import Callable

from runs.maintenance.advance_redrives import advance_redrives
from runs.maintenance.expire_actions import expire_actions
from runs.maintenance.find_dead_workers import find_dead_workers
from runs.maintenance.open_gates import open_gates
from runs.maintenance.repair_lines import repair_lines
from runs.maintenance.rescue_runs import rescue_runs
from runs.maintenance.wake_timers import wake_timers

log = logging.getLogger(__name__)

# What may take longest comes last: nobody's rescue waits for it.
FREQUENT: tuple[Callable[[], int], ...] = (
    find_dead_workers,
    rescue_runs,
    wake_timers,
    open_gates,
    expire_actions,
    advance_redrives,
)
RARE: tuple[Callable[[], int], ...] = (repair_lines,)


def reconcile(*, thorough: bool = False) -> dict[str, int]:
    """Do what is due; one part that fails does not stop the others.

    Shape: the number of rows each part has dealt with, by its name.
    """
    done = {}
    for part in FREQUENT + (RARE if thorough else ()):
        try:
            done[part.__name__] = part()
        except Exception:
            log.exception("%s failed", part.__name__)
    return done


def tick() -> str:
    """Reconcile thoroughly: what the clock calls every minute, should all workers be gone."""
    return " ".join(f"{name}={count}" for name, count in reconcile(thorough=True).items())
