"""What every text passes through before it is stored: made fit for a database, and stripped of secrets."""

from typing import Any

from runs.sanitize import clean, clean_text, cut
from runs.secrets import redact, redact_all


def storable(value: Any) -> Any:
    """Make a JSON value fit to store, texts and keys inside it included."""
    return redact_all(clean(value))


def storable_id(value: Any, limit: int = 100) -> str:
    """Make an id from outside, which may be no text at all, fit for its column."""
    return storable_text(value)[:limit] if isinstance(value, str) else ""


def storable_text(text: str, limit: int | None = None) -> str:
    """Make a text fit to store, and shorten it. In this order: half a secret would not be known as one."""
    whole = redact(clean_text(text))
    return whole if limit is None else cut(whole, limit)
