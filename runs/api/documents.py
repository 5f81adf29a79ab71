"""What every document consists of, independent of the project's `REST_FRAMEWORK`.

A document is derived from its model: money is a decimal string, times are UTC, people and tenants appear by name.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import models
from drf_spectacular.drainage import set_override
from drf_spectacular.utils import inline_serializer
from rest_framework import ISO_8601, serializers
from rest_framework.utils.model_meta import RelationInfo

from runs.models import Tenant
from runs.models.fields import JSONText

M = TypeVar("M", bound=models.Model)


def money(value: Decimal | None) -> str | None:
    """Write an amount of USD as a plain decimal string."""
    return None if value is None else f"{value.normalize():f}"


class Amount(serializers.CharField):
    """An amount of USD."""

    def __init__(self, max_digits: int = 0, decimal_places: int = 0, **options: Any) -> None:
        super().__init__(**options)  # a column's digits say nothing about the string

    def to_representation(self, value: Any) -> Any:
        """Write it as `money` does."""
        return money(value)


class Moment(serializers.DateTimeField):
    """A time in UTC, whatever the project's time zone."""

    format = ISO_8601
    timezone = UTC


class StoredJSON(serializers.JSONField):
    """A stored JSON value. A job's output may hold NaN, which is not JSON: one such run must not break a list."""

    def to_representation(self, value: Any) -> Any:
        """Write NaN and infinities as texts."""
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            return json.loads(json.dumps(value), parse_constant=str)
        return value


class Computed(serializers.Field[Any, Any, Any, Any]):
    """A value that a function computes from the row, written and described as another field."""

    def __init__(self, function: Callable[[Any], Any], field: Any, **options: Any) -> None:
        super().__init__(source="*", read_only=True, **options)
        self.function, self.field = function, field
        set_override(self, "field", field)

    def to_representation(self, value: Any) -> Any:
        """Call the function; None stays null."""
        computed = self.function(value)
        return None if computed is None else self.field.to_representation(computed)


class Document(serializers.ModelSerializer[M]):
    """A row as the API writes it."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: Moment,
        models.DecimalField: Amount,
        JSONText: StoredJSON,
    }

    @property
    def page(self) -> Sequence[M]:
        """Return the rows that are written together, to read once what they share."""
        rows: Any = (self.parent or self).instance  # of the list, if this is one of many
        return rows if isinstance(rows, Sequence) else [rows]

    def include_extra_kwargs(self, kwargs: Any, extra_kwargs: Any) -> dict[str, Any]:
        """Describe each column as always given: its default says nothing about an answer."""
        options = super().include_extra_kwargs(kwargs, extra_kwargs)
        return {name: value for name, value in options.items() if name not in ("required", "default")}

    def build_relational_field(self, field_name: str, relation_info: RelationInfo) -> Any:
        """Write people by the name with which they sign in, and tenants by slug; other relations by id."""
        field, options = super().build_relational_field(field_name, relation_info)
        names = {get_user_model(): get_user_model().USERNAME_FIELD, Tenant: "slug"}
        name: Any = names.get(relation_info.related_model)
        return (serializers.SlugRelatedField, options | {"slug_field": name}) if name else (field, options)


def one_page(name: str, document: type[serializers.BaseSerializer[Any]]) -> Any:
    """Describe a list that is always on one page."""
    return inline_serializer(name, {"results": document(many=True), "next": serializers.CharField(allow_null=True)})
