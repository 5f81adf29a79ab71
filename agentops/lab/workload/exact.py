"""Comparing two JSON values to the byte, and saying in a few words where they part. Pure."""

import json
from typing import Any

_AROUND = 30  # characters shown on either side of the first difference


def as_text(value: Any) -> str:
    """Write a value the one way it is compared: key order kept, 1 is not 1.0, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def difference(recorded: Any, found: Any) -> str | None:
    """Say where what was found leaves what was recorded; None if they are the same bytes."""
    wanted, got = as_text(recorded), as_text(found)
    if wanted == got:
        return None
    at = next(
        (place for place, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), min(len(wanted), len(got))
    )
    return f"recorded {_excerpt(wanted, at)}, found {_excerpt(got, at)}"


def _excerpt(text: str, at: int) -> str:
    start, end = max(0, at - _AROUND), at + _AROUND
    return f"«{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}»"
