"""The reconciler: sweep over everything that is due. Runs inside every worker, and by command."""

import logging
from collections.abc import Callable, Mapping

from runs import clock
from runs.extensions import UPKEEP
from runs.maintenance.expire_actions import expire_actions
from runs.maintenance.notify import notify_budgets, notify_deciders
from runs.maintenance.release_held import release_held
from runs.maintenance.release_rate_limited import release_rate_limited
from runs.maintenance.reopen_budgets import reopen_budgets
from runs.maintenance.repair import repair_lanes, repair_locks
from runs.maintenance.rescue_runs import find_dead_workers, rescue_runs
from runs.maintenance.send_mail import send_mail
from runs.maintenance.wake_timers import wake_timers

log = logging.getLogger(__name__)

# The slowest part comes last: no rescue waits for it.
FREQUENT: tuple[Callable[[], int], ...] = (
    find_dead_workers,
    rescue_runs,
    wake_timers,
    release_held,
    release_rate_limited,
    reopen_budgets,
    expire_actions,
    notify_budgets,
    notify_deciders,
)
RARE: tuple[Callable[[], int], ...] = (repair_lanes, repair_locks)

_MAIL_S = 5.0  # the clock starts no mail after this: its 30 s must allow for a server that is silent for 20 s


def reconcile(*, thorough: bool = False) -> dict[str, int]:
    """Run every part of the sweep; a failing part does not stop the others.

    Shape: the number of rows that each part has handled, by its name.
    """
    parts = (*FREQUENT, *UPKEEP, *(RARE if thorough else ()))
    return _do({part.__name__: part for part in parts})


def reconcile_and_send() -> dict[str, int]:
    """Reconcile thoroughly, then send mails for a few seconds. Workers send mails in a thread instead.

    Shape: as `reconcile`.
    """
    done = reconcile(thorough=True)
    ends_at = clock.monotonic() + _MAIL_S
    return done | _do({"send_mail": lambda: send_mail(go_on=lambda: clock.monotonic() < ends_at)})


def tick() -> str:
    """Reconcile thoroughly; the clock calls this every minute in case all workers are gone."""
    return " ".join(f"{name}={count}" for name, count in reconcile_and_send().items())


def _do(parts: Mapping[str, Callable[[], int]]) -> dict[str, int]:
    done = {}
    for name, part in parts.items():
        try:
            done[name] = part()
        except Exception:
            log.exception("%s failed", name)
    return done
