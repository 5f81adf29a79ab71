"""Pages: `{"results": [...], "next": url or null}` by cursor, so that deep pages cost what the first does."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response


class NewestFirst(CursorPagination):
    """Fifty a page, newest first."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering: Any = ("-created_at", "-id")

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


class ByRequest(NewestFirst):
    """Pending actions, newest request first."""

    ordering = ("-requested_at", "-id")


class ByFailure(NewestFirst):
    """Dead letters, newest failure first."""

    ordering = ("-failed_at", "-id")


class BySequence(NewestFirst):
    """Steps of a run, in their order."""

    page_size = 200
    max_page_size = 1000
    ordering = ("seq",)
