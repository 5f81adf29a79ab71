"""The seeded desk, and a context as the engine would give it."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from agentops.examples.support_desk.seed import seed


@dataclass
class RecordingContext:
    """Remembers the progress it was told."""

    effect_key: str = "run-1"
    run_id: UUID = field(default_factory=uuid4)
    told: list[tuple[float, str]] = field(default_factory=list)

    def progress(self, percent: float, message: str = "") -> None:
        self.told.append((percent, message))


@pytest.fixture
def context() -> RecordingContext:
    return RecordingContext()


@pytest.fixture
def desk(db: None) -> None:
    seed()
