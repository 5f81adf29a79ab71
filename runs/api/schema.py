"""Describe problems and accepted input in the OpenAPI schema, here once and not at each view."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from runs.api.fields import ID, WORDS
from runs.api.moments import MOMENT
from runs.api.strict_body import Empty


class ProblemErrorSerializer(serializers.Serializer[Any]):
    """One field that does not fit."""

    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document, RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable; for programs.")
    detail = serializers.CharField(help_text="For people.")
    # As for `parent` of a run: the metaclass removes declared fields from the class.
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]  # DRF keeps `errors` for itself; here it is a field


_ALWAYS = {
    "401": "No token, or a wrong one",
    "403": "The token lacks the scope, or the user the role",
    "422": "A field or parameter does not fit; `errors` names it",
    "429": "The token has spent its units; `Retry-After` says when there are more",
    "503": "The database is away",
}
_OF_ONE = {"404": "No such object, or another tenant's"}
_OF_POSTS = {
    "400": "Malformed JSON",
    "409": "The verb does not fit the present state",
    "413": "The body is over 256 KB",
    "415": "The body is not JSON",
    "429": "The token has spent its units, or as many runs wait in the queue as may; `Retry-After` says when to come",
}


class ExactSchema(AutoSchema):
    """Describes exactly what is accepted, from the `json_schema` of fields and bodies."""

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]  # drf-spectacular has no types
        exact = getattr(field, "json_schema", {})
        if "oneOf" in exact:  # several types: what DRF's options say applies to only one of them
            schema = {name: value for name, value in schema.items() if name not in ("type", "format", "pattern")}
        if isinstance(field, serializers.DictField) and not field.allow_empty:
            schema["minProperties"] = 1
        return schema | exact if exact else schema

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]  # drf-spectacular has no types
        return schema | _of_body(serializer)

    def _get_request_body(self, direction: Any = "request") -> Any:
        body = super()._get_request_body(direction)  # type: ignore[no-untyped-call]  # drf-spectacular has no types
        if self.method != "POST":
            return body
        if body is None:
            return {"content": {"application/json": {"schema": self._empty_body()}}}
        if _of_body(self.get_request_serializer()).keys() > {"additionalProperties"}:
            body["required"] = True  # a missing body cannot meet constraints across fields
        return body

    def _empty_body(self) -> Any:
        return self.resolve_serializer(Empty, "request").ref  # type: ignore[arg-type]  # it takes classes too

    def _get_parameters(self) -> Any:
        parameters = super()._get_parameters()
        for one in parameters:
            if one["in"] == "query":
                one["schema"] = _of_parameter(one["schema"])
        return parameters


def _of_body(serializer: Any) -> dict[str, Any]:
    """Return a body's constraints across fields; serializers of answers have no `json_schema`."""
    rules = getattr(serializer, "json_schema", None)
    return {} if rules is None else {"additionalProperties": False, **rules}


def _of_parameter(schema: dict[str, Any]) -> dict[str, Any]:
    """Require that parameters are not empty, and that times use one format."""
    if schema.get("type") != "string" or schema.keys() & {"enum", "pattern"}:
        return schema
    patterns = {None: WORDS, "date-time": f"^{MOMENT}$", "uuid": f"^{ID}$"}
    return schema | {"pattern": patterns[schema.get("format")]}


class ProblemSchema(ExactSchema):
    """Adds the problems that an operation may answer with."""

    def get_operation(self, *args: Any) -> Any:
        """Describe the operation, then its problems."""
        operation = super().get_operation(*args)
        if operation:
            problem = self.resolve_serializer(ProblemSerializer, "response").ref
            for status, words in self._problems().items():
                content = {"application/problem+json": {"schema": problem}}
                operation["responses"].setdefault(status, {"description": words, "content": content})
        return operation

    def _problems(self) -> dict[str, str]:
        of_one = _OF_ONE if "{" in self.path else {}
        return _ALWAYS | of_one | (_OF_POSTS if self.method == "POST" else {})
