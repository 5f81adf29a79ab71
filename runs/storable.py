"""Prepare every text for storage: make it fit for a database, and remove secrets."""

from typing import Any

from runs.sanitize import clean, clean_text, cut
from runs.secrets import redact, redact_all

_NOTE_MAX_CHARS = 4000


def storable(value: Any) -> Any:
    """Make a JSON value fit to store, texts and keys inside it included."""
    return redact_all(clean(value))


def storable_id(value: Any, limit: int = 100) -> str:
    """Make a foreign id, which may not even be a text, fit for its column."""
    return storable_text(value)[:limit] if isinstance(value, str) else ""


def storable_text(text: str, limit: int | None = None) -> str:
    """Make a text fit to store, then truncate it, in this order: half a secret would not be recognised."""
    whole = redact(clean_text(text))
    return whole if limit is None else cut(whole, limit)


def storable_note(text: str) -> str:
    """Make what a person wrote fit to store."""
    return storable_text(text, _NOTE_MAX_CHARS)
