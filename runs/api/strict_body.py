"""Request bodies as pydantic models: no conversion between JSON types, and an unknown field is an error.

A field's type defines what it accepts, and the OpenAPI schema is derived from it.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from drf_spectacular.extensions import OpenApiSerializerExtension
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from runs.api.moments import MOMENT, moment_of
from runs.errors import InvalidInputError

COUNT_MAX = 2**31 - 1
ID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
WORDS = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"  # something to read, and no NUL
LEFT_OUT: Any = None  # the default of a field that may be left out but not be null
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,8})?", re.ASCII)
_AMOUNT_MAX_CHARS = 1000
_LEAST, _MOST = Decimal("0.00000001"), Decimal("999999.99999999")


class Body(BaseModel):
    """A body. `dict(body)` holds its fields."""

    model_config = ConfigDict(extra="forbid", strict=True)
    json_schema: ClassVar[dict[str, Any]] = {}  # constraints across fields

    @classmethod
    def read(cls, data: Any) -> Self:
        """Parse a body. Raises: InvalidInputError naming each field."""
        known = ", ".join(cls.model_fields) or "none"
        if unknown := sorted(set(data) - cls.model_fields.keys()):
            raise InvalidInputError({name: [f"There is no such field. Known: {known}."] for name in unknown})
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            problems: dict[str, list[str]] = {}
            for one in error.errors(include_url=False, include_input=False):
                words = one.get("ctx", {}).get("error", one["msg"])  # from our validators, or pydantic's
                problems.setdefault(".".join(map(str, one["loc"])), []).append(str(words))
            raise InvalidInputError(problems) from error


class Empty(Body):
    """The body of a verb without fields."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text without NUL. Its length counts before blanks are trimmed."""

    max_length: int | None
    may_be_blank: bool = False
    keeps_blanks: bool = False

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        text = core_schema.str_schema(strict=True, max_length=self.max_length)
        return core_schema.no_info_after_validator_function(self._read, text)

    def __get_pydantic_json_schema__(self, *_: Any) -> dict[str, Any]:
        rule = {"not": {"pattern": r"\x00"}} if self.may_be_blank else {"pattern": WORDS, "minLength": 1}
        return {"type": "string"} | rule | ({"maxLength": self.max_length} if self.max_length else {})

    def _read(self, text: str) -> str:
        if "\0" in text:
            raise ValueError("It holds a NUL, which cannot be stored.")
        if not (self.may_be_blank or text.strip()):
            raise ValueError("It may not be blank.")
        return text if self.keeps_blanks else text.strip()


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few texts."""

    values: Iterable[str]

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        return core_schema.literal_schema([str(value) for value in self.values])


@dataclass(frozen=True, slots=True)
class Usd:
    """USD as a plain decimal string, or as a number, which is rounded to the column's precision.

    `"1_0"` and digits of other scripts, which Decimal accepts, are refused.
    """

    above_zero: bool = False

    @property
    def _least(self) -> Decimal:
        return _LEAST if self.above_zero else Decimal(0)

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        amount = core_schema.decimal_schema(strict=True, ge=self._least, le=_MOST)
        return core_schema.no_info_before_validator_function(self._read, amount)

    def __get_pydantic_json_schema__(self, *_: Any) -> dict[str, Any]:
        text: dict[str, Any] = {"type": "string", "pattern": r"^0*[0-9]{1,6}(\.[0-9]{1,8})?$"}
        text |= {"maxLength": _AMOUNT_MAX_CHARS} | ({"not": {"pattern": "^[0.]*$"}} if self.above_zero else {})
        return {"oneOf": [text, {"type": "number", "minimum": float(self._least), "maximum": float(_MOST)}]}

    def _read(self, value: Any) -> Decimal:
        if isinstance(value, str) and len(value) <= _AMOUNT_MAX_CHARS and _AMOUNT.fullmatch(value):
            return Decimal(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and self._least <= value <= _MOST:
            return Decimal(str(value)).quantize(_LEAST)
        raise ValueError('Give an amount in USD, such as "0.50".')


def id_of(value: Any) -> UUID:
    """Parse an id in its usual form; Python and DRF also accept others. Raises: ValueError."""
    if isinstance(value, str) and re.fullmatch(ID, value):
        return UUID(value)
    raise ValueError("Give an id with its hyphens, such as 123e4567-e89b-12d3-a456-426614174000.")


def _json(value: Any) -> Any:
    json.dumps(value, allow_nan=False)  # 1e999 is read as an infinity
    return value


def _object(value: Any) -> Any:
    if isinstance(value, dict):
        return _json(value)
    raise ValueError("Must be an object.")


def described(kind: str, **more: Any) -> WithJsonSchema:
    """Describe in OpenAPI what one of our validators accepts."""
    return WithJsonSchema({"type": kind, **more})


ZonedTime = Annotated[
    datetime, BeforeValidator(moment_of), described("string", format="date-time", pattern=f"^{MOMENT}$")
]
Id = Annotated[UUID, BeforeValidator(id_of), described("string", format="uuid", pattern=f"^{ID}$")]
AnyJson = Annotated[Any, BeforeValidator(_json), WithJsonSchema({"nullable": True})]
Object = Annotated[Any, BeforeValidator(_object), described("object", additionalProperties={})]
RequiredText = Annotated[str, Text(4000)]
OptionalText = Annotated[str, Text(4000, may_be_blank=True)]


class BodyExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # drf-spectacular has no types
    """Describes bodies to drf-spectacular."""

    target_class = Body
    match_subclasses = True
    priority = 1  # before drf-spectacular's own extension for pydantic, which writes OpenAPI 3.1

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        """Name the component, to which drf-spectacular adds `Request`."""
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        """Describe what is accepted."""
        return _in_openapi(self.target.model_json_schema()) | self.target.json_schema


def _in_openapi(schema: Any) -> Any:
    """Rewrite a pydantic JSON schema for OpenAPI 3.0: use `nullable`, and drop titles and null defaults."""
    if isinstance(schema, list):
        return [_in_openapi(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _in_openapi(one) for name, one in schema.items() if name != "title" or isinstance(one, dict)}
    if kept.get("default", 0) is None:
        del kept["default"]
    match kept.pop("anyOf", []):
        case [dict(one), {"type": "null"}]:
            of_null = {"enum": [*one["enum"], None]} if "enum" in one else {}
            return kept | one | of_null | {"nullable": True}
    return kept
