"""The killer's plan: how each life of a process ends, drawn from the seed and from what was hit so far."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agentops.lab.chaos.options import RANDOM, Options
from runs.fault_points import POINTS

HITS_WANTED = 5  # of each fault point
_MISSES_MAX = 6  # a point that was armed in vain this often is not tried any more
_TOGETHER = 3  # points armed at once; chance decides which is passed first
_AT_RANDOM = 0.25  # share of the lives that end where no fault point is
_STOPPED = 0.4  # share of the lives that are stopped first, if stops are wanted
_FUSE_S = (6.0, 14.0)  # how long a life waits for its fault point
_FUSE_AT_RANDOM_S = (2.0, 6.0)
_IN_WEB = ("ring.before", "decide.before")
_ONLY_IN_WEB = ("decide.before",)

# Chance of each pass. A point that is passed seldom must not be missed; one that is passed all the time must
# let some work be done before, most of all in the web server, of which there is only one.
_CHANCE = {
    "reconcile.before": 1.0,
    "recover.before": 1.0,
    "wake.before": 1.0,
    "expire.before": 1.0,
    "batch.before": 1.0,
    "batch.after": 1.0,
    "ingest.before": 1.0,
    "decide.before": 0.06,
    "ring.before": 0.03,
    "journal.after": 0.2,
}
_USUAL_CHANCE = 0.5


@dataclass(frozen=True, slots=True)
class PlannedEnd:
    """How a life ends: at one of some fault points, or, without any, at a random moment.

    At the latest it ends `fuse_s` after it was ready.

    Where only some points are wanted there is no fuse.

    `stop` is where it is stopped for a while before, if at all.
    """

    points: tuple[str, ...]
    fuse_s: float
    seed: int
    stop: str | None = None

    @property
    def needs_birth(self) -> bool:
        """Whether it must be told to the process at its start; a mere kill may come at any time."""
        return bool(self.faults)

    @property
    def faults(self) -> str:
        """The value of `AGENTOPS_FAULTS` for this life."""
        armed = [(point, "KILL") for point in self.points] + [(self.stop, "STOP")]
        return ",".join(
            f"{point}:{signal}:{_CHANCE.get(point, _USUAL_CHANCE)}"
            for point, signal in armed
            if point and point != RANDOM
        )


class ChaosPlan:
    """Draws the endings. The least hit point comes first, and what is armed now counts as hit."""

    def __init__(self, options: Options) -> None:
        self._dice = random.Random(f"killer {options.seed}")  # noqa: S311 (a plan, no secret)
        self._only, self._stops = options.kill, options.stop
        self.hits: Counter[str] = Counter()
        self.misses: Counter[str] = Counter()
        self.armed: Counter[str] = Counter()

    def for_worker(self, *, may_stop: bool = True) -> PlannedEnd:
        """Draw how the next life of a worker ends."""
        points = [point for point in self._only or POINTS if point not in _ONLY_IN_WEB]
        stop = None
        if self._stops and may_stop and self._dice.random() < _STOPPED:
            stop = self._dice.choice(self._stops)
        return self._draw(points, stop=stop)

    def for_web(self) -> PlannedEnd | None:
        """Draw how the next life of the web server ends; not at all where no point of it is wanted."""
        points = [point for point in self._only or POINTS if point in _IN_WEB]
        return self._draw(points) if points else None

    def for_clock(self) -> PlannedEnd | None:
        """Draw how long the clock lives; it passes no point that others do not."""
        return None if self._only else self._draw([])

    def ended(self, ending: PlannedEnd, hit: str | None) -> None:
        """Note where a life has really ended; None if by no doing of ours."""
        self.armed.subtract(ending.points)
        if hit:
            self.hits[hit] += 1
        if hit not in ending.points:
            self.misses.update(ending.points)

    def below(self, wanted: int = HITS_WANTED) -> list[str]:
        """The fault points that were hit less often, in their order."""
        return [point for point in self._only or POINTS if self.hits[point] < wanted]

    def _draw(self, points: Sequence[str], *, stop: str | None = None) -> PlannedEnd:
        chosen = self._choose(points)
        self.armed.update(chosen)
        fuse = self._dice.uniform(*(_FUSE_S if chosen else _FUSE_AT_RANDOM_S))
        return PlannedEnd(chosen, math.inf if self._only and points else fuse, self._dice.randrange(2**31), stop)

    def _choose(self, points: Sequence[str]) -> tuple[str, ...]:
        left = [p for p in points if self.hits[p] or self.misses[p] < _MISSES_MAX]
        at_random = self._dice.random() < _AT_RANDOM and not self._only
        if at_random or not left:
            return ()
        self._dice.shuffle(left)
        return tuple(sorted(left, key=lambda p: self.hits[p] + self.armed[p])[:_TOGETHER])
