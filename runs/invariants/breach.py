"""A breach: one row that breaks one invariant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from string import Formatter
from typing import Any

from django.db.models import QuerySet

from runs.models import Run


@dataclass(frozen=True, slots=True)
class Breach:
    """Which invariant, of which run, and how."""

    invariant: int
    run: str
    message: str

    def __str__(self) -> str:
        return f"I{self.invariant} run {self.run}: {self.message}"


Check = Callable[[], Iterator[Breach]]

CHUNK = 2000  # rows fetched at a time: a check never holds a whole table in memory


def each(invariant: int, rows: QuerySet[Any, Any], message: str, *, run: str = "") -> Iterator[Breach]:
    """Yield a breach for each of these rows.

    Shape: `message` names columns in braces, as in `step {seq} is unknown`; `run` is the column with the run's id.
    """
    run = run or ("pk" if rows.model is Run else "run")
    named = {name for _, name, _, _ in Formatter().parse(message) if name}
    for row in rows.order_by().values(*{run} | named).iterator(CHUNK):
        yield Breach(invariant, str(row[run]), message.format(**row))
