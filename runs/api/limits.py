"""Limits: the tenant's own, and those of all tenants, which only superusers set."""

from typing import Annotated

from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.documents import Document
from runs.api.rows import verb
from runs.api.selector import SelectorBody, SelectorViewSet
from runs.api.strict_body import LEFT_OUT, Body, NoteText, OneOf
from runs.models import Limit
from runs.operations.limits import MOST, change_limit, set_limit
from runs.states import LimitKind


class PostLimit(SelectorBody):
    """The body of `POST /limits/`."""

    kind: Annotated[str, OneOf(LimitKind)] = LimitKind.CONCURRENCY.value
    most: Annotated[int, Field(ge=0, le=MOST)] = Field(
        description="Runs at once, starts within `per_s`, or runs that wait."
    )
    per_s: Annotated[float, Field(ge=1, le=86_400)] = Field(60.0, description="Of a rate.")
    each_tenant: bool = Field(False, description="For each tenant, instead of for all together.")
    note: NoteText = ""


class ChangeLimit(Body):
    """The body of `change`: what is left out stays as it is."""

    most: Annotated[int, Field(ge=0, le=MOST)] = LEFT_OUT
    is_active: bool = LEFT_OUT
    note: NoteText = LEFT_OUT


class LimitSerializer(Document[Limit]):
    """A limit."""

    class Meta:
        model = Limit
        fields = (
            "id kind most per_s queue job_type model tool tenant each_tenant is_active note updated_by updated_at"
        ).split()


class LimitViewSet(SelectorViewSet[Limit]):
    """Limits of the token's tenant and of all tenants."""

    queryset = Limit.objects.select_related("tenant", "updated_by")
    serializer_class = LimitSerializer
    ordering = ("-updated_at", "-id")

    @extend_schema(request=PostLimit, responses={201: LimitSerializer})
    def create(self, request: Request) -> Response:
        """Create a limit for this tenant; with `all_tenants`, for every tenant."""
        limit = Limit(**self.columns_of(self.read(PostLimit)))
        return self.respond(set_limit(limit, user=self.user), status=201)

    change = verb(
        "change", change_limit, ChangeLimit, "Change the number or the note of a limit, or switch it off and on."
    )
