"""What the models' columns share: types, ids, and JSON as we write and hash it."""

import hashlib
import json
import os
import time
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import models

MONEY: dict[str, Any] = {"max_digits": 14, "decimal_places": 8}  # USD; a cached token costs 0.000_000_01


def choices_of(enum: type[StrEnum]) -> list[tuple[str, str]]:
    """List the values of an enum as a field's choices."""
    return [(member.value, member.value) for member in enum]


def new_id() -> UUID:
    """Make an id that sorts by the time of its making (UUID version 7): rows made together lie together in an index.

    For rows written at every step, whose commit costs by the page. Nobody is shown these ids.
    """
    at_ms = time.time_ns() // 1_000_000
    rest = int.from_bytes(os.urandom(10)) & ~(0xF << 76 | 0x3 << 62)
    return UUID(int=at_ms << 80 | 0x7 << 76 | 0x2 << 62 | rest)


def first_id_at(moment: datetime) -> UUID:
    """The smallest id that `new_id` can have made from this moment on: rows since then are a range of the key."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def dump_json(value: Any) -> str:
    """Write a JSON value the one way we store it: keys in their order, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def hash_of(value: Any) -> str:
    """Hash a JSON value as it is stored."""
    return hash_text(dump_json(value))


def hash_text(text: str) -> str:
    """Hash a text: SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class JSONText(models.TextField[Any, Any]):
    """A JSON value kept as text: key order survives, which a database's JSON column does not promise."""

    _pyi_private_set_type: Any  # what django-stubs reads: any JSON value may be assigned
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        """Read the text back."""
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        """Leave values as they are: the field never holds raw text in Python."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Write the value as text."""
        return None if value is None else dump_json(value)

    def value_to_string(self, obj: models.Model) -> str:
        """Write the value for fixtures."""
        return self.get_prep_value(self.value_from_object(obj)) or ""
