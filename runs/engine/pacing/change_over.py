"""Who keeps what is left of all paces: Redis, or while it is away the database. Never both for longer than a second.

The row `PaceKeeper` says who, by an epoch: even is Redis, odd the database. Whoever finds Redis away, or back, moves
the epoch on by one, which one process alone can do; all others see it within a second. The state of an epoch is kept
under its number. While models are in use it begins warm, since the provider saw no pause, and with less than nothing
left, so that what the former keeper has given or promised is never given twice.
"""

import logging
import math
from collections.abc import Sequence
from typing import Any

from runs import clock
from runs.engine.pacing.bucket import IDLE_S, Bucket
from runs.engine.pacing.in_database import InDatabase
from runs.engine.pacing.keeper import Epoch, Heard, Keeper, KeeperAwayError, Verdict
from runs.engine.pacing.rows import Known, Terms, forget_paces, known
from runs.models import PaceKeeper

log = logging.getLogger(__name__)

_DATABASE_S = 30.0  # so long the database keeps them before anybody looks whether Redis is back

_DATABASE = InDatabase()
_quick: Keeper | None = None
_taken_at = -math.inf  # when this process last took a turn, by its own clock


def keep_with(keeper: Keeper | None) -> Keeper | None:
    """Let this one keep the paces of even epochs; without one the database always does. Returns the former."""
    global _quick
    former, _quick = _quick, keeper
    return former


def take(paces: Sequence[Terms], need: Sequence[float], *, patience_s: float) -> tuple[Verdict, int]:
    """As `Keeper.take`; returns the epoch as well, for `settle`."""
    global _taken_at  # noqa: PLW0603 (of this process, as `known` is)
    epoch, keeper = _present()
    try:
        verdict = keeper.take(epoch, paces, need, patience_s=patience_s)
    except KeeperAwayError as error:
        epoch = _fall_back(epoch, error)
        verdict = _DATABASE.take(epoch, paces, need, patience_s=patience_s)
    _taken_at = clock.monotonic()
    return verdict, epoch.number


def settle(epoch: int, paces: Sequence[Terms], back: Sequence[float], *, heard: Heard, heeds: int | None) -> None:
    """As `Keeper.settle`; what was taken in another epoch is gone with it."""
    present, keeper = _present()
    if present.number != epoch:
        return
    try:
        keeper.settle(present, paces, back, heard=heard, heeds=heeds)
    except KeeperAwayError as error:
        log.warning("a turn was not settled (%s); the next to be taken finds out who keeps the paces", error)


def peek(paces: Sequence[Terms]) -> list[Bucket]:
    """As `Keeper.peek`."""
    epoch, keeper = _present()
    try:
        return keeper.peek(epoch, paces)
    except KeeperAwayError as error:
        return _DATABASE.peek(_fall_back(epoch, error), paces)


def _present() -> tuple[Epoch, Keeper]:
    """Find the epoch, and its keeper."""
    present = known()
    if _quick and _is_databases(present) and present.may_look and _is_back(present.epoch, _quick):
        present = known()
    return _epoch_of(present), _DATABASE if _is_databases(present) or _quick is None else _quick


def _epoch_of(present: Known) -> Epoch:
    return Epoch(present.epoch, takes_over=present.takes_over)


def _is_databases(present: Known) -> bool:
    return bool(present.epoch % 2)


def _fall_back(epoch: Epoch, error: KeeperAwayError) -> Epoch:
    """Let the database keep the paces from now on, unless somebody has said so already."""
    log.warning("the paces are kept by the database for %g s (%s)", _DATABASE_S, error)
    _move_on(epoch.number, database_until=clock.in_seconds(_DATABASE_S))
    return _epoch_of(known())


def _move_on(epoch: int, *, database_until: Any) -> None:
    """Begin the next epoch. It takes over if this process has taken from the former of late: then models are in use."""
    is_in_use = clock.monotonic() - _taken_at < IDLE_S
    mine = PaceKeeper.objects.filter(pk=1, epoch=epoch)
    mine.update(epoch=epoch + 1, changed_at=clock.Now() if is_in_use else None, database_until=database_until)
    forget_paces()


def _is_back(epoch: int, quick: Keeper) -> bool:
    """Let one process look whether Redis answers, and if so make it the keeper again."""
    mine = PaceKeeper.objects.filter(pk=1, epoch=epoch, database_until__lte=clock.Now())
    looks = mine.update(database_until=clock.in_seconds(_DATABASE_S))
    forget_paces()
    if not looks:
        return True  # somebody else does; look again at what holds
    try:
        quick.ping()
    except KeeperAwayError:
        return False
    _move_on(epoch, database_until=None)
    log.warning("Redis keeps the paces again")
    return True
