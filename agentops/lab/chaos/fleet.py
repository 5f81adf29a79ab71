"""The processes that are killed: workers, web and clock. Starts each life with its ending, and buries it."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from agentops.lab.chaos.fault_log import FaultLog, Hit
from agentops.lab.chaos.options import RANDOM, CannotRunError, Options
from agentops.lab.chaos.plan import ChaosPlan, PlannedEnd
from agentops.lab.chaos.process_life import Death, ProcessLife, held_at_death, is_fair_game, is_registered
from agentops.stack import Stack, answers
from runs.worker.supervisor import Child

QUEUES = ("agents", "batch")
_ROOT = Path(__file__).resolve().parents[3]
SLOTS = 8
_STOPPED_S = 10.0  # longer than a lease
_UNASKED_MAX = 20  # processes that ended by themselves
_GRACE_S = 5.0
_SHARE = {"web": 0.1, "clock": 0.05}  # kills from outside for each kill of a worker


class Fleet:
    """Ticked by the main thread alone, which must be the one that starts the processes."""

    def __init__(self, stack: Stack, plan: ChaosPlan, options: Options, *, log: FaultLog, redis_url: str) -> None:
        self._stack, self._plan, self._options, self._log = stack, plan, options, log
        self._redis_url = redis_url
        self._count: Counter[str] = Counter()
        self._hits: dict[int, Hit] = {}
        self._turn = 0
        self.lives: list[ProcessLife] = []
        self.deaths: list[Death] = []
        self.stops: Counter[str] = Counter()
        self.terms = 0

    def start_worker(self, number: int) -> None:
        """Start one worker for the first time."""
        child = Child(f"worker-{number}", [], log_path=self._stack.logs / f"worker-{number}.log", restart=False)
        self._stack.children.append(child)
        self.lives.append(self._born("worker", child))

    def adopt(self, role: str, child: Child) -> None:
        """Look after a process that the stack has started; its first life ends at some moment."""
        child.restart = False
        self.lives.append(
            ProcessLife(child.name, role, child, self._plan.for_clock(), self._readiness(role, child.name))
        )

    @property
    def kills(self) -> int:
        """Workers that were killed while they held a lease."""
        return sum(bool(death.role == "worker" and death.point and death.held) for death in self.deaths)

    @property
    def is_calm(self) -> bool:
        """Whether as many were killed as were to be, so that no new life has an ending."""
        return self.kills >= self._options.kills

    @property
    def is_hungry(self) -> bool:
        """Whether a worker that is to be killed waits for work."""
        return any(life.role == "worker" and life.ending and life.ready_at for life in self.lives)

    def tick(self) -> None:
        """Restart processes that died; kill and stop those that are due."""
        self._read_log()
        for place, life in enumerate(self.lives):
            if not life.child.is_alive():
                self._record_death(life)
                self.lives[place] = self._born(life.role, life.child)
            elif life.stopped_at:
                if time.monotonic() - life.stopped_at > _STOPPED_S:
                    life.go_on()
            else:
                self._press(life)

    def term_next(self) -> None:
        """Tell the next worker to end, as a deploy does."""
        workers = [life for life in self.lives if life.role == "worker" and life.child.is_alive()]
        self._turn += 1
        if workers:
            life = workers[self._turn % len(workers)]
            life.termed = True
            self.terms += 1
            os.kill(life.child.pid, signal.SIGTERM)

    def let_all_go_on(self) -> None:
        """Wake who is stopped, so that all can end."""
        for life in self.lives:
            if life.stopped_at and life.child.is_alive():
                life.go_on()

    def _press(self, life: ProcessLife) -> None:
        """Stop or kill a life from outside if it is time; a worker not before it holds a lease."""
        ending, age_s = life.ending, life.age_s
        if not ending:
            return
        if ending.stop == RANDOM and not life.stops and age_s > ending.fuse_s / 2 and is_fair_game(life.name):
            life.stop()
            self.stops[RANDOM] += 1
        elif life.is_due and self._may_die(life):
            life.kill()

    def _may_die(self, life: ProcessLife) -> bool:
        """Say whether it is worth a kill now: of a worker, if it holds a lease and another is there to go on.

        Of web and clock there is one each, and both are slow to start.
        """
        if life.role == "worker":
            others = [one for one in self.lives if one.role == "worker" and one is not life and one.is_in_peace]
            return bool(others or self._options.workers == 1) and is_fair_game(life.name)
        killed = sum(death.role == life.role for death in self.deaths)
        return killed < _SHARE[life.role] * self.kills

    def _read_log(self) -> None:
        by_pid = {life.child.pid: life for life in self.lives}
        for hit in self._log.new():
            life = by_pid.get(hit.pid)
            if hit.signal == "SIGKILL":
                self._hits[hit.pid] = hit
            elif life:
                life.stops += 1
                life.stopped_at = time.monotonic()
                self.stops[hit.point] += 1

    def _record_death(self, life: ProcessLife) -> None:
        self._read_log()  # it wrote before it died
        hit = self._hits.pop(life.child.pid, None)
        point = hit.point if hit else RANDOM if life.killed_at else None
        at = hit.at if hit else life.killed_at or time.time()
        held = held_at_death(life.name, at) if life.role == "worker" and point else 0
        self.deaths.append(Death(life.name, life.role, point, at, held))
        if life.ending:
            self._plan.ended(life.ending, point)
        if not point and not life.termed:
            self._check_unasked(life)

    def _check_unasked(self, life: ProcessLife) -> None:
        unasked = sum(not death.point for death in self.deaths) - self.terms
        if unasked > _UNASKED_MAX:
            raise CannotRunError(f"{life.child.name} ends again and again; see {life.child.log_path}")

    def _born(self, role: str, child: Child) -> ProcessLife:
        """Start the next life of a process."""
        ending = self._ending(role)
        name = child.name
        child.env = {**self._stack.child_env, **(_armed(ending) if ending else {})}
        if role == "worker":
            self._count[child.name] += 1
            name = f"{child.name}.{self._count[child.name]}"
            child.command = _worker_command(name, without_intents=self._options.without_intents)
            child.env |= self._worker_env(child.name)
        child.start()
        return ProcessLife(name, role, child, ending, self._readiness(role, name))

    def _readiness(self, role: str, name: str) -> Callable[[], bool]:
        if role == "worker":
            return lambda: is_registered(name)
        return (lambda: answers(f"{self._stack.base_url}/livez")) if role == "web" else (lambda: True)

    def _ending(self, role: str) -> PlannedEnd | None:
        if self.is_calm:
            return None
        if role == "web":
            return self._plan.for_web()
        if role == "clock":
            return self._plan.for_clock()
        return self._for_worker()

    def _for_worker(self) -> PlannedEnd | None:
        """Draw an ending, but keep a process that goes on."""
        workers = [life for life in self.lives if life.role == "worker" and life.child.is_alive()]
        armed = [life for life in workers if life.ending]
        if len(armed) >= min(max(1, self._options.workers // 2), self._options.kills - self.kills):
            return None
        ending = self._plan.for_worker(may_stop=not any(life.ending and life.ending.stop for life in armed))
        in_peace = [life for life in workers if life.is_in_peace]
        if ending.needs_birth or not in_peace:
            return ending
        in_peace[0].schedule_kill(ending)  # so that those who were never armed do not live for ever
        return None

    def _worker_env(self, name: str) -> dict[str, str]:
        env = {"PYTHONPATH": str(_ROOT)} if self._options.without_intents else {}
        if self._options.lease_only:
            var = self._stack.logs.parent / name
            var.mkdir(exist_ok=True)
            env |= {"AGENTOPS_VAR": str(var), "REDIS_URL": self._redis_url}
        return env


def _armed(ending: PlannedEnd) -> dict[str, str]:
    return {"AGENTOPS_FAULTS": ending.faults, "AGENTOPS_FAULT_SEED": str(ending.seed)}


def _worker_command(name: str, *, without_intents: bool) -> list[str]:
    manage = [str(_ROOT / "manage.py")]
    start = ["-m", "agentops.lab.chaos.without_intents"] if without_intents else manage
    options = ["--slots", str(SLOTS), "--grace", str(_GRACE_S), "--name", name]
    return [sys.executable, *start, "rqworker", *QUEUES, *options]
