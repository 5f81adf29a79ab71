"""What a durable step costs: our engine beside a bare INSERT and COMMIT, and beside Django's `create()`.

The three take turns, round by round, over the same database with the same durability; each figure is the median
over the rounds, and the ratio is the median of the ratios of each round.
"""

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connection

from agentops.lab.bench.agent import BenchAgent
from agentops.lab.bench.model import ANSWER_CHARS, STEPS, answer_at_once
from runs.engine.advance import advance
from runs.engine.outcomes import Completed
from runs.engine.provider import answered_by
from runs.models import RunEvent
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.queue.claim import claim_next

_TEXT = "x" * ANSWER_CHARS
_TABLE = "CREATE TABLE bench_bare (id integer PRIMARY KEY, body text NOT NULL)"


@dataclass(slots=True)
class Measured:
    """Milliseconds a step, one figure a round."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    create: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Shape: `{"database", "ours_ms", "bare_ms", "create_ms", "ratio_to_limit", "create_to_limit", …}`."""
        return {
            "database": connection.vendor,
            "ours_ms": _median(self.ours),
            "bare_ms": _median(self.bare),
            "create_ms": _median(self.create),
            "ratio_to_limit": _median(a / b for a, b in zip(self.ours, self.bare, strict=True)),
            "create_to_limit": _median(a / b for a, b in zip(self.create, self.bare, strict=True)),
            "rounds": len(self.ours),
            "steps_a_run": STEPS,
        }


def measure_steps(*, rounds: int) -> dict[str, Any]:
    """Measure rounds: a run of `STEPS` steps by each of the three. Two more go before, uncounted."""
    measured = Measured()
    tenant = make_tenant("bench")
    user = make_member(tenant, None)
    request = RunRequest(job_type=BenchAgent.name, input={"text": "go"})
    with _bare_inserts() as insert, answered_by(answer_at_once):
        for number in range(rounds + 2):
            run, _ = post_run(request, tenant=tenant, user=user, origin="bench")
            figures = [_per_step_ms(work) for work in (_run_one, _each(insert), _each(_creator(run.pk)))]
            if number >= 2:
                for name, figure in zip(("ours", "bare", "create"), figures, strict=True):
                    getattr(measured, name).append(figure)
    return measured.as_json()


def _run_one() -> None:
    claimed = claim_next(["agents"], worker_id=uuid4(), worker_name="bench")
    assert claimed
    outcome = advance(*claimed)
    assert isinstance(outcome, Completed), outcome


def _creator(run_id: Any) -> Callable[[int], None]:
    def create(number: int) -> None:
        from django.db.models.functions import Now

        RunEvent.objects.create(run_id=run_id, seq=1000 + number, kind="bench", data={"text": _TEXT}, at=Now())

    return create


def _each(insert: Callable[[int], None]) -> Callable[[], None]:
    def work() -> None:
        for number in range(STEPS):
            insert(number)

    return work


def _per_step_ms(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000 / STEPS


@contextmanager
def _bare_inserts() -> Iterator[Callable[[int], None]]:
    """Yield a function that inserts one row and commits, with nothing between it and the driver."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=20)) as lite:
            lite.execute("PRAGMA synchronous=FULL")
            lite.execute(_TABLE)

            def insert_lite(_: int) -> None:
                lite.execute("BEGIN IMMEDIATE")
                lite.execute("INSERT INTO bench_bare (body) VALUES (?)", [_TEXT])
                lite.execute("COMMIT")

            yield insert_lite
    else:
        target = connection.get_connection_params()
        wanted = ("host", "port", "user", "password", "dbname")
        with psycopg.connect(**{name: target[name] for name in wanted if name in target}) as bare:
            bare.execute(_TABLE.replace("integer PRIMARY KEY", "bigserial PRIMARY KEY"))
            bare.commit()

            def insert(_: int) -> None:
                bare.execute("INSERT INTO bench_bare (body) VALUES (%s)", [_TEXT])
                bare.commit()

            yield insert


def _median(values: Any) -> float:
    return float(round(statistics.median(values), 3))
