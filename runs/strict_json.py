"""Parse foreign JSON strictly: refuse what Python's own parser forgives."""

import json
from collections.abc import Sequence
from math import isinf
from typing import Any


def strict_json(text: str | bytes) -> Any:
    """Parse one whole JSON value.

    Raises: ValueError for anything else: a partial value, trailing data, NaN, a number that no float can hold, a
    duplicate name in one object, bytes that are not UTF-8, more levels than Python can parse.
    """
    if isinstance(text, bytes):
        text = text.decode()
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_float, object_pairs_hook=unambiguous)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _float(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError(f"{digits[:40]} is too large")
    return number


def unambiguous(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs. Raises: ValueError for a duplicate name."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name is given twice in one object")
    return value
