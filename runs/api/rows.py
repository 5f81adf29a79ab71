"""What the views of rows share: list the rows that a tenant sees, read one, and apply a verb to one."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs.api.pagination import NewestFirst
from runs.api.strict_body import Body
from runs.api.tenant_view import TenantView

M = TypeVar("M", bound=Model)


class RowViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[M]):
    """The rows of one model that the token's tenant sees; others do not exist for it."""

    lookup_value_converter = "uuid"
    pagination_class = NewestFirst
    ordering: tuple[str, ...] = ("-created_at", "-id")

    def get_queryset(self) -> QuerySet[M]:
        """Select the visible rows; none while the OpenAPI schema is generated, which has no token."""
        rows = super().get_queryset()
        return rows.none() if getattr(self, "swagger_fake_view", False) else self.visible(rows)

    def visible(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Select the tenant's own rows."""
        return rows.filter(tenant=self.tenant)

    def arguments_of(self, body: Body) -> dict[str, Any]:
        """Return what a body says to a verb."""
        return dict(body)

    def respond(self, row: M, *, status: int = HTTPStatus.OK) -> Response:
        """Answer with the document of a row."""
        return Response(self.get_serializer(row).data, status=status)

    def respond_page(self, rows: QuerySet[Any], document: Any) -> Response:
        """Answer with a page of the documents of other rows."""
        return self.get_paginated_response(document(self.paginate_queryset(rows), many=True).data)


def verb(
    operation: Callable[..., Any],
    body: type[Body],
    doc: str,
    *,
    name: str = "",
    document: Any = None,
    status: int = HTTPStatus.OK,
) -> Any:
    """Build the view of `POST …/{id}/{name}/`: do an operation as the body says, then answer with the row.

    The name is that of the operation unless given; an underscore after a keyword is not part of the address.
    """
    name = name or operation.__name__

    def view(self: RowViewSet[Any], request: Request, pk: Any = None) -> Response:
        data, row = self.parsed(body), self.get_object()  # only who may see the row learns which field is wrong
        operation(row, user=self.user, **self.arguments_of(body.read(data)))
        return self.respond(self.get_object(), status=status)

    view.__name__, view.__doc__ = name, doc
    described = extend_schema(request=body, responses=empty if document is None else {status: document})
    return described(action(detail=True, methods=["post"], url_path=name.rstrip("_"))(view))
