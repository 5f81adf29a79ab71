"""JSON as it is stored: read as text, so that a value that is none stops nobody who looks at the others."""

import json
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast


def as_text(column: str) -> Cast:
    """Select a column of JSON as the text that it is."""
    return Cast(column, TextField())


def read(text: str | None, name: str) -> Any:
    """Return the member of this name; None if it is missing, or the text is no JSON object."""
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return value.get(name) if isinstance(value, dict) else None
