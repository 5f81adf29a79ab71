"""Strict fields for bodies about dead letters: no conversion between JSON types. Other bodies use `strict_body`.

Each field's `json_schema` adds what drf-spectacular cannot derive from DRF's own options.
"""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from runs.api.moments import EXPECTED, MOMENT, moment_of

COUNT_MAX = 2**31 - 1
ID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
WORDS = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"  # something to read, and no NUL


class ObjectField(serializers.JSONField):
    """A JSON object."""

    json_schema = {"type": "object", "additionalProperties": {}}

    def to_internal_value(self, data: Any) -> Any:
        """Refuse anything but an object."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Must be an object.")
        return super().to_internal_value(data)


class StrictText(serializers.CharField):
    """A text; numbers and booleans are not converted."""

    @property
    def json_schema(self) -> dict[str, Any]:
        """What it accepts."""
        return {"not": {"pattern": r"\x00"}} if self.allow_blank else {"pattern": WORDS}

    def to_internal_value(self, data: Any) -> str:
        """Refuse anything but a string; the length counts before blanks are trimmed."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        if not self.allow_blank and not data.strip():
            self.fail("blank")  # DRF checks for blanks only where it trims
        return super().to_internal_value(data)


class StrictInteger(serializers.IntegerField):
    """A whole number; texts and booleans are refused."""

    def to_internal_value(self, data: Any) -> int:
        """Refuse anything but a JSON integer."""
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("Must be a whole number.")
        return super().to_internal_value(data)


class StrictNumber(serializers.FloatField):
    """A number; texts and booleans are refused."""

    def to_internal_value(self, data: Any) -> float:
        """Refuse anything but a JSON number."""
        if not isinstance(data, int | float) or isinstance(data, bool):
            raise serializers.ValidationError("Must be a number.")
        return super().to_internal_value(data)


class StrictUUID(serializers.UUIDField):
    """An id with hyphens. DRF's own field also accepts a number, `true` and `urn:uuid:…`."""

    json_schema = {"type": "string", "format": "uuid", "pattern": f"^{ID}$"}

    def to_internal_value(self, data: Any) -> UUID:
        """Refuse anything but an id in its usual form."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        if not re.fullmatch(ID, data):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class StrictMoment(serializers.DateTimeField):
    """A time with its zone."""

    json_schema = {"type": "string", "format": "date-time", "pattern": f"^{MOMENT}$"}

    def to_internal_value(self, value: Any) -> datetime:
        """Refuse an ambiguous time."""
        try:
            return moment_of(value)
        except (TypeError, ValueError) as error:
            raise serializers.ValidationError(EXPECTED) from error
