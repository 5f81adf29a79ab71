"""Bodies: JSON only, bounded in size and depth."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

from runs.conf import conf


class TooLargeError(APIException):
    """The body is larger than a body may be."""

    status_code = 413
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """Read a JSON object of at most `body_max_bytes`.

    Raises: TooLargeError (413); ParseError (400).
    """

    strict = True

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Read no more than the limit, then parse."""
        limit = conf().body_max_bytes
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLargeError(
                f"The body is larger than {limit // 1024} KB. Put large files elsewhere and refer to them."
            )
        import io

        try:
            value = super().parse(io.BytesIO(body), media_type, dict(parser_context or {}))
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object.")
        return value
