"""What the views of limits and pauses share: the selector's body, and the visible rows."""

from typing import Annotated, Any, TypeVar

from django.db.models import Q, QuerySet
from pydantic import Field

from runs.api.rows import RowViewSet
from runs.api.strict_body import Body, Text
from runs.models import Selector

S = TypeVar("S", bound=Selector)


class SelectorBody(Body):
    """What a limit or a pause selects: everything that matches all given fields."""

    queue: Annotated[str, Text(64, may_be_blank=True)] = ""
    job_type: Annotated[str, Text(100, may_be_blank=True)] = ""
    model: Annotated[str, Text(100, may_be_blank=True)] = ""
    tool: Annotated[str, Text(200, may_be_blank=True)] = ""
    all_tenants: bool = Field(False, description="Of every tenant; for superusers.")


class SelectorViewSet(RowViewSet[S]):
    """The tenant's own rows, and those of all tenants, which only superusers set."""

    reads, writes = "limits:read", "limits:write"

    def visible(self, rows: QuerySet[S]) -> QuerySet[S]:
        """Select the rows that apply to the tenant."""
        return rows.filter(Q(tenant=self.tenant) | Q(tenant=None))

    def columns_of(self, body: SelectorBody) -> dict[str, Any]:
        """Return the columns of a body, for the token's tenant or for every tenant."""
        columns = dict(body)
        return {"tenant": None if columns.pop("all_tenants") else self.tenant} | columns
