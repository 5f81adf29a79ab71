"""Parse bodies: one JSON object in UTF-8, bounded in size and depth, without duplicate names."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from runs.conf import conf
from runs.errors import InvalidInputError
from runs.operations.client_values import DEPTH_MAX
from runs.sanitize import depth


class TooLargeError(APIException):
    """The body exceeds the maximum size."""

    status_code = 413
    default_code = "too_large"


class BoundedJSONParser(BaseParser):
    """Read a JSON object of at most `body_max_bytes`.

    Not a subclass of DRF's JSONParser, for which DRF reads the whole body into memory first.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Read at most the limit, then parse; a missing body counts as an empty object.

        Raises: TooLargeError (413); UnsupportedMediaType (415); ParseError (400); InvalidInputError (422) naming
        a field that is nested too deeply.
        """
        _expect_utf8(media_type or "")
        limit = conf().body_max_bytes
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLargeError(
                f"The body is larger than {limit // 1024} KB. Put large files elsewhere and refer to them."
            )
        value = _object(body) if body else {}
        too_deep = [name for name, inner in value.items() if depth(inner) > DEPTH_MAX]
        if too_deep:
            raise InvalidInputError({name: [f"is nested more deeply than {DEPTH_MAX} levels"] for name in too_deep})
        return value


def _expect_utf8(media_type: str) -> None:
    _, parameters = parse_header_parameters(media_type)
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(media_type, detail="JSON is written in UTF-8; there is no other charset for it.")


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_named_once)
    except RecursionError as error:
        raise ParseError("The body is nested too deeply.") from error
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ParseError("The body must be a JSON object.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a duplicate name: a proxy may have checked the first, while we would act on the last."""
    value = dict(pairs)
    if len(value) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{twice[:100]!r} is given twice in one object")
    return value
