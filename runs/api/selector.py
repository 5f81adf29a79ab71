"""What the views of limits and pauses share: the selector's body, and the visible rows."""

from typing import Annotated, Any, ClassVar, TypeVar

from django.db.models import QuerySet
from pydantic import Field
from rest_framework import mixins
from rest_framework.viewsets import GenericViewSet

from runs.api.strict_body import Body, Text
from runs.api.tenant_view import TenantView
from runs.models import Selector

S = TypeVar("S", bound=Selector)


class SelectorBody(Body):
    """What a limit or a pause selects: everything that matches all given fields."""

    queue: Annotated[str, Text(64, may_be_blank=True)] = ""
    job_type: Annotated[str, Text(100, may_be_blank=True)] = ""
    model: Annotated[str, Text(100, may_be_blank=True)] = ""
    tool: Annotated[str, Text(200, may_be_blank=True)] = ""
    all_tenants: bool = Field(False, description="Of every tenant; for superusers.")


class SelectorViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[S]):
    """The tenant's own rows, and those of all tenants, which only superusers set."""

    lookup_value_converter = "uuid"
    related: ClassVar[tuple[str, ...]]  # read together with a row

    def get_queryset(self) -> QuerySet[S]:
        """Select the rows that apply to the tenant."""
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.filter(self.own_or_general).select_related(*self.related)

    def columns_of(self, body: SelectorBody) -> dict[str, Any]:
        """Return the columns of a body, for the token's tenant or for every tenant."""
        columns = dict(body)
        return {"tenant": None if columns.pop("all_tenants") else self.tenant} | columns
