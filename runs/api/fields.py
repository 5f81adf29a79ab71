"""Fields of bodies that take a JSON type as it is: a number in a text is no number, a boolean neither."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from rest_framework import serializers

from runs.api.moments import EXPECTED, moment_of

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class ObjectField(serializers.JSONField):
    """A JSON object."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse anything but an object."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Must be an object.")
        return super().to_internal_value(data)


class StrictText(serializers.CharField):
    """A text that is a text: numbers and booleans are not turned into one."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse anything but a string."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        return super().to_internal_value(data)


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
    """An id in its text form. DRF's own field takes a number, and `true`, for one."""

    def to_internal_value(self, data: Any) -> UUID:
        """Refuse anything but a string."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a string.")
        return super().to_internal_value(data)


class StrictAmount(serializers.DecimalField):
    """USD as a decimal string, or a number; `"1_0"` and digits of other scripts, which Decimal takes, are neither."""

    def to_internal_value(self, data: Any) -> Decimal:
        """Refuse texts that are not plain decimals."""
        if isinstance(data, str) and not _AMOUNT.fullmatch(data):
            raise serializers.ValidationError('Give an amount in USD, such as "0.50".')
        return super().to_internal_value(data)


class StrictMoment(serializers.DateTimeField):
    """A time with its zone."""

    def to_internal_value(self, value: Any) -> datetime:
        """Refuse a time that each reader would take for another."""
        try:
            return moment_of(value)
        except (TypeError, ValueError) as error:
            raise serializers.ValidationError(EXPECTED) from error
