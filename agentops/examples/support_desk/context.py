"""What the tools of the desk use of the context that the engine gives them."""

from typing import Any, Protocol
from uuid import UUID


class Context(Protocol):
    """The first argument of every tool; only what is used here."""

    run_id: UUID
    effect_key: str  # None for reads, which do not look at it

    def progress(self, percent: float, message: str = "") -> None:
        """Tell how far the work is. Raises when the work must not go on."""


class StepContext(Context, Protocol):
    """The first argument of a plain job's `run`."""

    def step(self, name: str, function: Any, *args: Any, effect: str = "unsafe", **kwargs: Any) -> Any:
        """Do a named step once; later, return what was recorded."""
