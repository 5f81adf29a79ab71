"""Describe problems and accepted input in the OpenAPI schema, here once and not at each view."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from runs.api.moments import MOMENT
from runs.api.strict_body import ID, WORDS


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
_PATTERNS = {None: WORDS, "date-time": f"^{MOMENT}$", "uuid": f"^{ID}$"}  # by format of a parameter
_OF_ONE = {"404": "No such object, or another tenant's"}
_OF_POSTS = {
    "400": "Malformed JSON",
    "409": "The verb does not fit the present state",
    "413": "The body is over 256 KB",
    "415": "The body is not JSON",
    "429": "The token has spent its units, or as many runs wait in the queue as may; `Retry-After` says when to come",
}


class ProblemSchema(AutoSchema):
    """Adds the problems that an operation may answer with, and says exactly what it accepts."""

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

    def _get_request_body(self, direction: Any = "request") -> Any:
        body = super()._get_request_body(direction)  # type: ignore[no-untyped-call]  # drf-spectacular has no types
        if body and getattr(self.get_request_serializer(), "json_schema", None):
            body["required"] = True  # a missing body cannot meet constraints across fields
        return body

    def _get_parameters(self) -> Any:
        """Require that parameters are not empty, and that times and ids use one format."""
        parameters = super()._get_parameters()
        for schema in (one["schema"] for one in parameters if one["in"] == "query"):
            if schema.get("type") == "string" and not schema.keys() & {"enum", "pattern"}:
                schema["pattern"] = _PATTERNS[schema.get("format")]
        return parameters
