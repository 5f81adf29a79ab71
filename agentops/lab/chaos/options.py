"""The options of `chaos` as one frozen value, and what cannot be asked for together."""

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs.fault_points import POINTS

RANDOM = "random"  # a moment that no fault point marks
DATABASES = ("sqlite", "postgres")


class CannotRunError(Exception):
    """`chaos` cannot begin, or cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a campaign is to do. Units: every `_s` in seconds; None where a kind of trouble is not wanted."""

    runs: int = 100
    kills: int = 30
    seed: int = 1
    db: str = "sqlite"
    workers: int = 4
    workload: Path | None = None
    kill: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    flush_redis_s: float | None = None
    restart_db_s: float | None = None
    term_s: float | None = None
    lease_only: bool = False
    without_intents: bool = False
    timeout_s: float = 0.0

    @property
    def runs_most(self) -> int:
        """So many runs at the most: where runs end before the kills are done, a few more are posted to be disturbed."""
        return self.runs + self.runs // 2 if self.kills else self.runs

    @property
    def ends_in_s(self) -> float:
        """How long the campaign may take."""
        return self.timeout_s or 300.0 + 4.0 * self.kills + 1.0 * self.runs


def add_options(parser: ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--runs", type=int, default=100, metavar="N", help="runs to post (default: 100)")
    add("--kills", type=int, default=30, metavar="N", help="kills of workers that hold a lease (default: 30)")
    add("--seed", type=int, default=1, metavar="N", help="of scripts, inputs and killer (default: 1)")
    add("--db", choices=DATABASES, default="sqlite", help="a fresh database of this kind (default: sqlite)")
    add("--workers", type=int, default=4, metavar="N", help="worker processes of 8 slots each (default: 4)")
    add("--workload", type=Path, metavar="DIR", help="run recorded conversations, each tool call an effect")
    add("--kill", action="append", default=[], metavar="POINT", help="kill only at these fault points; repeatable")
    add(
        "--stop",
        action="append",
        nargs="?",
        const=RANDOM,
        default=[],
        metavar="POINT",
        help="also stop workers for longer than a lease: at a fault point, or at any moment; repeatable",
    )
    add("--flush-redis", nargs="?", type=float, const=5.0, metavar="S", help="empty Redis every S seconds (5)")
    add("--restart-db", nargs="?", type=float, const=15.0, metavar="S", help="restart PostgreSQL every S seconds (15)")
    add("--term", nargs="?", type=float, const=10.0, metavar="S", help="SIGTERM the next worker every S seconds (10)")
    add("--lease-only", action="store_true", help="no worker can see another's death: the lease alone tells")
    add("--without-intents", action="store_true", help="negative control: effects are not announced, so some repeat")
    add("--timeout", type=float, default=0.0, metavar="S", help="a run still open after S seconds is lost")
    add("--json", action="store_true", help="end with the report as one line of JSON")
    add("--keep", action="store_true", help="keep the folder even if all is well")


def options_of(given: Mapping[str, Any]) -> Options:
    """Check what was given. Raises: CannotRunError."""
    for name in ("runs", "workers"):
        _require(given[name] >= 1, f"--{name} must be at least 1")
    _require(given["kills"] >= 0, "--kills must not be negative")
    for name in ("flush_redis", "restart_db", "term"):
        _require(given[name] is None or given[name] > 0, f"--{name.replace('_', '-')} must be above 0")
    for point in given["kill"] + [point for point in given["stop"] if point != RANDOM]:
        _require(point in POINTS, f"there is no fault point {point!r}; there are {', '.join(POINTS)}")
    if given["restart_db"] is not None:
        _require(given["db"] == "postgres", "--restart-db needs --db postgres: SQLite has no server")
    workload = given["workload"]
    return Options(
        runs=given["runs"],
        kills=given["kills"],
        seed=given["seed"],
        db=given["db"],
        workers=given["workers"],
        workload=workload.resolve() if workload else None,
        kill=tuple(given["kill"]),
        stop=tuple(given["stop"]),
        flush_redis_s=given["flush_redis"],
        restart_db_s=given["restart_db"],
        term_s=given["term"],
        lease_only=given["lease_only"],
        without_intents=given["without_intents"],
        timeout_s=given["timeout"],
    )


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise CannotRunError(problem)
