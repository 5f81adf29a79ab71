"""A breach: one row that breaks one invariant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


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
