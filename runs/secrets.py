"""Secrets: looked up in the environment when used, and taken out of every text before it is stored or logged."""

import logging
import os
import re
from functools import lru_cache
from typing import Any

_PREFIX = "AGENTOPS_SECRET_"
_ALSO_SECRET = ("ANTHROPIC_API_KEY", "SECRET_KEY")
_MIN_LENGTH = 8  # shorter values would redact ordinary words
_HIDDEN = "[redacted]"
_SHAPES = re.compile(
    r"sk-ant-[A-Za-z0-9_-]{8,}"  # provider keys
    r"|agentops_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{20,}"  # our own tokens
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"  # user:password of an address
)
_MARKS = ("sk-ant-", "agentops_", "://")  # each shape has one of them


def secret(name: str) -> str:
    """Return the secret of this name from the environment (`AGENTOPS_SECRET_<NAME>`).

    Raises: KeyError if it is not set, naming the variable.
    """
    variable = _PREFIX + name.upper()
    try:
        value = os.environ[variable]
    except KeyError:
        raise KeyError(f"no secret {name!r}: set the environment variable {variable}") from None
    if len(value) >= _MIN_LENGTH and value not in known():
        known.cache_clear()  # it was set after the first look
    return value


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """List the secret values in the environment, longest first; too short ones would redact ordinary words.

    Read once, since every text that is stored passes by here.
    """
    values = {value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    values |= {os.environ[name] for name in _ALSO_SECRET if name in os.environ}
    return tuple(sorted((v for v in values if len(v) >= _MIN_LENGTH), key=len, reverse=True))


def redact(text: str) -> str:
    """Replace known secrets, and whatever is shaped like one, in a text."""
    for value in known():
        text = text.replace(value, _HIDDEN)
    if any(mark in text for mark in _MARKS):  # far cheaper than the pattern, and most texts have none
        text = _SHAPES.sub(_HIDDEN, text)
    return text


def redact_all(value: Any) -> Any:
    """Redact every text inside a JSON value."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: redact_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(item) for item in value]
    return value


class RedactingFormatter(logging.Formatter):
    """Write a record of the log without secrets, its traceback included: an exception may quote anything."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it as any formatter does, and redact what came of that."""
        return redact(super().format(record))
