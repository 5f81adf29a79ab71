"""The word that dying processes leave: which fault point, which process, when."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Hit:
    """One process hit at one fault point. `at` is Unix time."""

    point: str
    pid: int
    signal: str
    at: float


class FaultLog:
    """Reads what was appended since the last look."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        path.touch()

    def new(self) -> list[Hit]:
        """Return the hits since the last call."""
        with self._path.open() as log:
            log.seek(self._at)
            text = log.read()
        self._at += len(text)
        return [Hit(point, int(pid), signal, float(at)) for point, pid, signal, at in map(str.split, text.splitlines())]
