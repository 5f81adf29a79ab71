"""Redact known secrets, and anything shaped like one, in texts and JSON values."""

import json
import logging
from collections.abc import Iterable
from typing import Any

from runs.secrets.shapes import HIDDEN, hide_shapes, is_placeholder, may_have_shape, names_secret
from runs.secrets.values import known_forms
from runs.strict_json import unambiguous

_NUMBERS = range(10**7, 10**64)  # known secrets have at least eight characters


def holds_known(text: str) -> bool:
    """Say whether a text contains a known secret, in any form."""
    for form in known_forms():  # noqa: SIM110 (a generator costs more than the search)
        if form in text:
            return True
    return False


def may_hold_secret(text: str) -> bool:
    """Check cheaply whether `redact` has to look closer."""
    return holds_known(text) or may_have_shape(text)


def redact(text: str) -> str:
    """Replace known secrets, and anything shaped like one, in a text. JSON stays JSON."""
    if not may_hold_secret(text):
        return text
    if text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(text, object_pairs_hook=unambiguous)  # NaN and 1e400 are no reason to look less
            hidden = redact_all(value)
            separators = None if '": ' in text else (",", ":")  # as it was written
            return text if hidden == value else json.dumps(hidden, ensure_ascii=False, separators=separators)
        except (ValueError, RecursionError):
            pass  # not JSON, or ambiguous JSON
    for form in known_forms():
        text = text.replace(form, HIDDEN)
    return hide_shapes(text)


def redact_all(value: Any) -> Any:
    """Redact every text inside a JSON value, keys included, and every value whose name says that it is secret."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return _redact_items(value.items())
    if isinstance(value, list | tuple):
        return [redact_all(item) for item in value]
    if isinstance(value, int) and abs(value) in _NUMBERS and holds_known(str(value)):
        return HIDDEN
    return value


def _redact_items(items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    hidden: dict[Any, Any] = {}
    for key, item in items:
        name = _free_name(redact(key), hidden) if isinstance(key, str) else key
        is_secret = isinstance(key, str) and isinstance(item, str) and names_secret(key) and not is_placeholder(item)
        hidden[name] = HIDDEN if is_secret else redact_all(item)
    return hidden


def _free_name(name: str, taken: dict[Any, Any]) -> str:
    """Choose a free key, so that keys that differ only in a secret are not merged."""
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name} ({number})"
    return free


class RedactingFormatter(logging.Formatter):
    """Formats log records without secrets, tracebacks included: an exception may quote anything."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as usual, then redact the result."""
        return redact(super().format(record))
