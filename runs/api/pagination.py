"""Pages: `{"results": [...], "next": url or null}` by cursor, so that deep pages cost the same as the first."""

import re
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.moments import in_utc
from runs.errors import InvalidInputError

_POSITIVE = re.compile(r"0*[1-9][0-9]{0,8}", re.ASCII)


def whole_number(request: Request, name: str) -> int | None:
    """Read a parameter. Raises: InvalidInputError if it is not a whole number from 1 on."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not _POSITIVE.fullmatch(text):
        raise InvalidInputError({name: ["Give a whole number from 1 on."]})
    return int(text)


class NewestFirst(CursorPagination):
    """Fifty a page, by the time that the view's `ordering` names."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """Return the order of the view."""
        return view.ordering  # type: ignore[no-any-return]  # of a `RowViewSet`

    def get_page_size(self, request: Request) -> int:
        """Read `limit`, capped at the maximum. Raises: InvalidInputError if it is not a whole number from 1 on."""
        return min(whole_number(request, "limit") or self.page_size, self.max_page_size)

    def decode_cursor(self, request: Request) -> Any:
        """Read the cursor. Raises: InvalidInputError if it is not one of ours: DRF would trust its position."""
        try:
            cursor = super().decode_cursor(request)
            if cursor and cursor.position is not None:
                self.check_position(str(cursor.position))
        except (NotFound, ValueError) as error:
            raise InvalidInputError({"cursor": ["Not a cursor of this list; take it from `next`."]}) from error
        return cursor

    def check_position(self, position: str) -> None:
        """Refuse an invalid position in this order. Raises: ValueError."""
        in_utc(position)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe `cursor` and `limit`."""
        cursor, limit = super().get_schema_operation_parameters(view)
        limit["schema"] |= {"minimum": 1, "maximum": 999_999_999, "default": self.page_size}
        limit["description"] = f"Number of results to return per page, capped at {self.max_page_size}."
        return [cursor, limit]

    def get_paginated_response(self, data: Any) -> Response:
        """Answer with the page and the address of the next."""
        return Response({"results": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe it."""
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {"type": "string", "nullable": True, "format": "uri"},
            },
        }


class BySequence(NewestFirst):
    """Numbered parts of a whole, in order."""

    page_size = 200
    max_page_size = 1000

    def check_position(self, position: str) -> None:
        """Refuse anything but the number of a part."""
        if not _POSITIVE.fullmatch(position):
            raise ValueError(position)
