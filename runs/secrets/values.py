"""Known secrets: their values in the environment, and every form in which a text may contain them."""

import base64
import html
import json
import os
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

_PREFIX = "AGENTOPS_SECRET_"
_ALSO_SECRET = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "SECRET_KEY")
_MIN_LENGTH = 8  # shorter values would redact ordinary words
_LINE_MIN_LENGTH = 20  # of one line of a multi-line secret, since a text may quote single lines
_NESTED = 4  # levels of JSON inside JSON, as columns hold it


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
        known.cache_clear()  # it was set after the first read
    return value


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """List the secret values in the environment, longest first; too short ones would redact ordinary words.

    Read once, since every stored text is checked here.
    """
    values = {value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    values |= {os.environ[name] for name in _ALSO_SECRET if name in os.environ}
    return tuple(sorted((v for v in values if len(v) >= _MIN_LENGTH), key=len, reverse=True))


def known_forms() -> tuple[str, ...]:
    """List every form of the known secrets, longest first: plain and encoded."""
    return _forms_of(known())


@lru_cache(maxsize=4)
def _forms_of(values: tuple[str, ...]) -> tuple[str, ...]:
    found = {form for value in values for form in _forms(value) if len(form) >= _MIN_LENGTH}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))


def _forms(value: str) -> set[str]:
    lines = [line for line in map(str.strip, value.splitlines()) if len(line) >= _LINE_MIN_LENGTH]
    lines = [line for line in lines if not line.startswith("-----")]
    plain = {value, value.replace("\n", "\r\n"), value.strip(), *lines}
    encoded = plain | {encode(text) for text in plain for encode in _ENCODINGS}
    encoded |= {core for text in plain for core in _base64_cores(text)}
    for _ in range(_NESTED):
        encoded |= {escape(text) for text in encoded for escape in _ESCAPES}
    return encoded


def _lower_hex(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), text)


_ENCODINGS: tuple[Callable[[str], str], ...] = (
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: _lower_hex(quote(text)),
    lambda text: _lower_hex(quote_plus(text)),
    html.escape,
    lambda text: text.replace("\\", "\\\\").replace("'", "\\'"),  # as Python writes it between single quotes
)
_ESCAPES: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
)


def _base64_cores(text: str) -> Iterable[str]:
    """List the base64 forms of a text at each of its three possible offsets within a longer one."""
    data = text.encode(errors="replace")
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        core = whole[(0, 2, 3)[before] : len(whole) - (1 if (before + len(data)) % 3 else 0)]
        yield core
        yield core.replace("+", "-").replace("/", "_")
