"""One life of one process, from its start to its death, and what there was to see of it."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db.models import QuerySet

from agentops.lab.chaos.plan import PlannedEnd
from agentops.lab.chaos.seen import seen
from runs.conf import conf
from runs.models import Run, RunEvent, Worker
from runs.states import RunStatus
from runs.worker.supervisor import Child

_ASK_EVERY_S = 0.3
_CLOCKS_S = 1.0  # how far our clock and a rescuer's may be apart


@dataclass(frozen=True, slots=True)
class Death:
    """One process that ended. `at` is Unix time; `point` is None if it was by no doing of ours."""

    name: str
    role: str
    point: str | None
    at: float
    held: int = 0


@dataclass(slots=True)
class ProcessLife:
    """A running process and how it is meant to end; without an ending it is left in peace."""

    name: str
    role: str
    child: Child
    ending: PlannedEnd | None
    is_ready: Callable[[], bool]
    ready_at: float | None = None  # monotonic, once it works
    _asked_at: float = field(default_factory=time.monotonic)
    killed_at: float | None = None  # Unix time, once killed from outside
    termed: bool = False
    stopped_at: float | None = None  # monotonic, while it is stopped
    stops: int = 0

    @property
    def age_s(self) -> float:
        """Seconds since it was ready for work; 0 before. A process that only starts is not worth a kill."""
        now = time.monotonic()
        if self.ready_at is None and now - self._asked_at > _ASK_EVERY_S:
            self._asked_at = now
            self.ready_at = now if self.is_ready() else None
        return 0.0 if self.ready_at is None else now - self.ready_at

    @property
    def is_in_peace(self) -> bool:
        """Whether it works and is not meant to die."""
        return bool(self.ready_at and not self.ending and not self.stopped_at)

    @property
    def is_due(self) -> bool:
        """Whether its fuse has burnt down."""
        return bool(self.ending and self.killed_at is None and not self.stopped_at and self.age_s > self.ending.fuse_s)

    def schedule_kill(self, ending: PlannedEnd) -> None:
        """Give a life that was left in peace an ending; its fuse burns from now on."""
        self.ending, self.ready_at = ending, time.monotonic()

    def kill(self) -> None:
        """Kill it, and whatever children it has."""
        self.killed_at = time.time()
        os.killpg(self.child.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop it as if its machine slept."""
        self.stops += 1
        os.kill(self.child.pid, signal.SIGSTOP)
        self.stopped_at = time.monotonic()

    def go_on(self) -> None:
        """Let it go on, as if nothing had been; its fuse burnt no longer than it lived."""
        os.kill(self.child.pid, signal.SIGCONT)
        if self.stopped_at and self.ready_at:
            self.ready_at += time.monotonic() - self.stopped_at
        self.stopped_at = None


def is_registered(name: str) -> bool:
    """Say whether a worker has begun to work."""
    return seen(Worker.objects.filter(name=name).exists)


def is_fair_game(name: str) -> bool:
    """Say whether a worker holds a run now, and none that one more crash would bury: it is not the culprit."""
    return seen(
        lambda: bool(_held_now(name)) and not _held_by(name).filter(crashes__gte=conf().crashes_max - 1).exists()
    )


def held_at_death(name: str, at: float) -> int:
    """Count the runs that a dead worker held; some may have been rescued since."""
    return seen(lambda: _held_now(name) or _rescued_from(name, at))


def _held_by(name: str) -> QuerySet[Run]:
    worker = Worker.objects.filter(name=name).values_list("pk", flat=True).first()
    return Run.objects.filter(worker=worker, status=RunStatus.RUNNING) if worker else Run.objects.none()


def _held_now(name: str) -> int:
    return _held_by(name).count()


def _rescued_from(name: str, at: float) -> int:
    since = datetime.fromtimestamp(at - _CLOCKS_S, UTC)
    rescued = RunEvent.objects.filter(kind="run.rescued", at__gte=since).values_list("run", "data")
    lost = {(run, data["fence"]) for run, data in rescued}
    claims = RunEvent.objects.filter(kind="run.claimed", actor=name, run__in=[run for run, _ in lost])
    return sum((run, data["fence"]) in lost for run, data in claims.values_list("run", "data"))
