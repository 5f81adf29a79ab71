"""Fields of bodies that take a JSON type as it is: a number in a text is no number, a boolean neither.

Each says in its `json_schema` what it accepts besides what drf-spectacular reads off DRF's own options.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers

from runs.api.moments import EXPECTED, MOMENT, moment_of

COUNT_MAX = 2**31 - 1
ID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
WORDS = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"  # something to read, and no NUL
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_LEAST, _MOST = Decimal("0.00000001"), Decimal("999999.99999999")
_AMOUNT_MAX_CHARS = 1000


class ObjectField(serializers.JSONField):
    """A JSON object."""

    json_schema = {"type": "object", "additionalProperties": {}}

    def to_internal_value(self, data: Any) -> Any:
        """Refuse anything but an object."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Must be an object.")
        return super().to_internal_value(data)


class StrictText(serializers.CharField):
    """A text that is a text: numbers and booleans are not turned into one."""

    @property
    def json_schema(self) -> dict[str, Any]:
        """What it accepts."""
        return {"not": {"pattern": r"\x00"}} if self.allow_blank else {"pattern": WORDS}

    def to_internal_value(self, data: Any) -> str:
        """Refuse anything but a string, and one that is too long before blanks are cut off its ends."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        if not self.allow_blank and not data.strip():
            self.fail("blank")  # DRF looks for blanks only where it cuts them off
        return super().to_internal_value(data)


class UnbuiltText(StrictText):
    """What is part of the design and not built yet: only null is accepted."""

    json_schema = {"type": "string", "not": {}}


class StrictInteger(serializers.IntegerField):
    """A whole number: no text, no boolean."""

    def to_internal_value(self, data: Any) -> int:
        """Refuse anything but a JSON integer."""
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("Must be a whole number.")
        return super().to_internal_value(data)


class StrictNumber(serializers.FloatField):
    """A number: no text, no boolean."""

    def to_internal_value(self, data: Any) -> float:
        """Refuse anything but a JSON number."""
        if not isinstance(data, int | float) or isinstance(data, bool):
            raise serializers.ValidationError("Must be a number.")
        return super().to_internal_value(data)


class StrictBoolean(serializers.BooleanField):
    """`true` or `false`: neither 1 nor "yes"."""

    def to_internal_value(self, data: Any) -> bool:
        """Refuse anything but a JSON boolean."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.")
        return data


class StrictUUID(serializers.UUIDField):
    """An id as we write it, with hyphens. DRF's own field takes a number, `true` and `urn:uuid:…` for one."""

    json_schema = {"type": "string", "format": "uuid", "pattern": f"^{ID}$"}

    def to_internal_value(self, data: Any) -> UUID:
        """Refuse anything but an id in its usual form."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        if not re.fullmatch(ID, data):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class StrictAmount(serializers.DecimalField):
    """USD as a plain decimal string, or as a number, which is rounded to what is stored.

    `"1_0"` and digits of other scripts, which Decimal takes, are neither.
    """

    def __init__(self, *, above_zero: bool = False, **options: Any) -> None:
        self._from = _LEAST if above_zero else Decimal(0)
        super().__init__(max_digits=14, decimal_places=8, min_value=self._from, **options)

    @property
    def json_schema(self) -> dict[str, Any]:
        """What it accepts."""
        text = {
            "type": "string",
            "pattern": r"^0*[0-9]{1,6}(\.[0-9]{1,8})?$",
            "maxLength": _AMOUNT_MAX_CHARS,
        }
        if self._from:
            text["not"] = {"pattern": "^[0.]*$"}
        return {"oneOf": [text, {"type": "number", "minimum": float(self._from), "maximum": float(_MOST)}]}

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """Take null alone for no amount; DRF takes a blank text too."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Decimal:
        """Refuse texts that are not plain decimals."""
        if isinstance(data, str) and not _AMOUNT.fullmatch(data):
            raise serializers.ValidationError('Give an amount in USD, such as "0.50".')
        if isinstance(data, float) and self._from <= data <= _MOST:
            data = Decimal(str(data)).quantize(_LEAST)
        return super().to_internal_value(data)


class StrictMoment(serializers.DateTimeField):
    """A time with its zone."""

    json_schema = {"type": "string", "format": "date-time", "pattern": f"^{MOMENT}$"}

    def to_internal_value(self, value: Any) -> datetime:
        """Refuse a time that each reader would take for another."""
        try:
            return moment_of(value)
        except (TypeError, ValueError) as error:
            raise serializers.ValidationError(EXPECTED) from error
