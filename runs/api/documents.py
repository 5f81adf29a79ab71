"""Fields of documents, independent of the project's `REST_FRAMEWORK`: times in UTC, people by name."""

from datetime import UTC
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import models
from rest_framework import ISO_8601, serializers

M = TypeVar("M", bound=models.Model)


class Moment(serializers.DateTimeField):
    """A time in UTC, whatever the project's time zone."""

    format = ISO_8601
    timezone = UTC


class WholeNumber(serializers.BigIntegerField):
    """A number, however large."""

    coerce_to_string = False


class Amount(serializers.DecimalField):
    """A decimal string."""

    coerce_to_string = True


class Document(serializers.ModelSerializer[M]):
    """A record as the API writes it."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: Moment,
        models.BigIntegerField: WholeNumber,
        models.DecimalField: Amount,
    }


class Person(serializers.SlugRelatedField[Any]):
    """A user, by the name with which they sign in."""

    def __init__(self, **options: Any) -> None:
        super().__init__(get_user_model().USERNAME_FIELD, read_only=True, **options)
