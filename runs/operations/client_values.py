"""Accept values from clients to store with a run: refuse known secrets, and make the rest fit to store."""

from collections.abc import Iterator
from typing import Any

from runs.errors import InvalidInputError
from runs.sanitize import clean, depth
from runs.secrets import holds_known, redact
from runs.storable import storable

DEPTH_MAX = 32
_OURS = "holds a secret of this installation, which is not stored: leave it out, the tools that need it read it"
_SHAPED = (
    "holds what is, or looks like, a secret, which is not stored: leave it out, a tool reads its secrets by itself"
)


def fit(name: str, value: Any) -> Any:
    """Return a client's value as stored: remove what only looks like a secret.

    Raises: InvalidInputError naming each location of a known secret, or if it is nested too deeply.
    """
    if depth(value) > DEPTH_MAX:
        raise InvalidInputError({name: [f"is nested more deeply than {DEPTH_MAX} levels"]})
    if problems := {path: [_OURS] for path in _places(value, name)}:
        raise InvalidInputError(problems)
    return storable(value)


def fit_unchanged(name: str, value: Any) -> Any:
    """Return a value that must be stored exactly as given. Raises: InvalidInputError if it holds a secret."""
    kept = clean(value)
    if storable(kept) != kept:
        raise InvalidInputError({name: [_SHAPED]})
    return kept


def _places(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if holds_known(str(key)):
                yield path
            yield from _places(item, f"{path}.{redact(str(key))}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _places(item, f"{path}.{number}")
    elif isinstance(value, str | int) and holds_known(str(value)):
        yield path
