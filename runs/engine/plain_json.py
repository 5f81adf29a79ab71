"""Convert any Python value to JSON. A part that cannot be converted becomes a text that says so; the rest survives."""

import dataclasses
import math
from collections import Counter, deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Set, ValuesView
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from runs.engine.lease import STOPS
from runs.models.fields import dump_json
from runs.sanitize import clean_text
from runs.user_code.call import words_of
from runs.user_code.event_loop import drop, is_unfinished

VALUES_MAX = 1_000_000  # in total: a structure may be endless
DEPTH_MAX = 64
_BITS_MAX = 1_000_000  # of an integer whose digits are worth reading
_LISTS = (list, tuple, deque, Set, ValuesView, ItemsView, Iterator)


def jsonable(value: Any) -> Any:
    """Turn any value into JSON: dates, decimals, pydantic models, and as a last resort its `str`. Never fails.

    Raises: only the engine's own stops, if a generator within the value meets one.
    """
    return _Writer().write(value)


class _Writer:
    """Writes one value and counts its parts."""

    def __init__(self) -> None:
        self._left = VALUES_MAX
        self._around: list[int] = []  # the containers around the current value

    def write(self, value: Any) -> Any:
        """Write a value; a part that fails is replaced by a note."""
        self._left -= 1
        try:
            return self._write(value)
        except STOPS:
            raise
        except BaseException as error:
            return f"[cannot be written: {clean_text(words_of(error))}]"

    def _write(self, value: Any) -> Any:
        if value is None or value is True or value is False:
            return value
        for kind, write in _PLAIN:
            if isinstance(value, kind):
                return write(value)
        if isinstance(value, Enum):
            return self.write(value.value)
        if isinstance(value, Mapping):
            return self._within(value, self._object)
        if isinstance(value, _LISTS):
            return self._within(value, self._list)
        return self._other(value)

    def _within(self, value: Any, write: Callable[[Any], Any]) -> Any:
        if id(value) in self._around:
            return "[refers to itself]"
        if len(self._around) == DEPTH_MAX:
            return f"[cut: nested more than {DEPTH_MAX} deep]"
        self._around.append(id(value))
        try:
            return write(value)
        finally:
            self._around.pop()

    def _list(self, value: Iterable[Any]) -> list[Any]:
        items: list[Any] = []
        self._each(value, lambda item: items.append(self.write(item)), items.append)
        return items

    def _object(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        written: dict[str, Any] = {}
        seen: Counter[str] = Counter()

        def add(pair: tuple[Any, Any]) -> None:
            key = name = self._key(pair[0])
            while name in written:  # different keys with the same text
                seen[key] += 1
                name = f"{key} ({seen[key] + 1})"
            written[name] = self.write(pair[1])

        self._each(value.items(), add, lambda note: written.setdefault("…", note))
        return written

    def _each(self, items: Iterable[Any], add: Callable[[Any], Any], note: Callable[[str], Any]) -> None:
        """Take items one by one until iteration fails or the maximum is reached."""
        try:
            for item in items:
                if self._left <= 0:
                    note(f"[cut: more than {VALUES_MAX:,} values]")
                    return
                add(item)
        except STOPS:
            raise
        except BaseException as error:
            note(f"[cannot be read on: {clean_text(words_of(error))}]")

    def _key(self, key: Any) -> str:
        if isinstance(key, str):
            return clean_text(str.__str__(key))
        try:
            return clean_text(next(iter(to_jsonable_python({key: None}, fallback=str))))
        except Exception:
            written = self.write(key)
            return written if isinstance(written, str) else dump_json(written)

    def _other(self, value: Any) -> Any:
        """Let pydantic convert what it knows; if one field makes it fail, write the fields one by one."""
        if is_unfinished(value):
            drop(value)
            return f"[a {type(value).__name__} that was not awaited]"
        try:
            known = to_jsonable_python(value, fallback=str, inf_nan_mode="strings")
        except Exception:
            fields = _fields_of(value)
            if fields is None:
                return clean_text(str(value))
            return self._within(value, lambda _: self._object(fields))
        return self.write(known)


def _fields_of(value: Any) -> dict[str, Any] | None:
    if isinstance(value, BaseModel):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    return None


def _integer(value: int) -> int | str:
    """Write a very long number as a text of its digits: Python neither writes nor reads it as JSON."""
    try:
        str(value)
    except ValueError:
        bits = value.bit_length()
        return str(Decimal(value)) if bits <= _BITS_MAX else f"[an integer of {bits:,} bits]"
    return value


def _float(value: float) -> float | str:
    """Write the three floats that JSON lacks as texts."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (  # subclasses may override `__str__`
    (str, lambda value: clean_text(str.__str__(value))),
    (int, lambda value: _integer(int.__int__(value))),
    (float, lambda value: _float(float.__float__(value))),
    (bytes | bytearray | memoryview, lambda value: clean_text(bytes(value).decode(errors="backslashreplace"))),
)
