"""Secrets: looked up in the environment when used, and taken out of every text before it is stored."""

import os
import re
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


def secret(name: str) -> str:
    """Return the secret of this name from the environment (`AGENTOPS_SECRET_<NAME>`).

    Raises: KeyError if it is not set, naming the variable.
    """
    variable = _PREFIX + name.upper()
    try:
        return os.environ[variable]
    except KeyError:
        raise KeyError(f"no secret {name!r}: set the environment variable {variable}") from None


def known() -> list[str]:
    """List the values that must not be stored, the longest first."""
    values = {value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    values |= {os.environ[name] for name in _ALSO_SECRET if name in os.environ}
    return sorted((v for v in values if len(v) >= _MIN_LENGTH), key=len, reverse=True)


def redact(text: str) -> str:
    """Replace known secrets, and whatever is shaped like one, in a text."""
    for value in known():
        text = text.replace(value, _HIDDEN)
    return _SHAPES.sub(_HIDDEN, text)


def redact_all(value: Any) -> Any:
    """Redact every text inside a JSON value."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: redact_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(item) for item in value]
    return value
