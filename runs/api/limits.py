"""Limits: the tenant's own, and those of all tenants, which only superusers set."""

from typing import Annotated, Any

from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.documents import Document, Person
from runs.api.pagination import ByUpdate
from runs.api.selector import SelectorBody, SelectorViewSet
from runs.api.strict_body import LEFT_OUT, Body, Note, OneOf
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
    note: Note = ""


class ChangeLimit(Body):
    """The body of `change`: what is left out stays as it is."""

    most: Annotated[int, Field(ge=0, le=MOST)] = LEFT_OUT
    is_active: bool = LEFT_OUT
    note: Note = LEFT_OUT


class LimitSerializer(Document[Limit]):
    """A limit."""

    tenant = serializers.SlugRelatedField[Any]("slug", read_only=True, allow_null=True)
    updated_by = Person(allow_null=True)

    class Meta:
        model = Limit
        fields = (
            "id kind most per_s queue job_type model tool tenant each_tenant is_active note updated_by updated_at"
        ).split()


class LimitViewSet(SelectorViewSet[Limit]):
    """Limits of the token's tenant and of all tenants."""

    queryset = Limit.objects.all()
    serializer_class = LimitSerializer
    pagination_class = ByUpdate
    related = ("tenant", "updated_by")
    scopes = {
        "list": "limits:read",
        "retrieve": "limits:read",
        "create": "limits:write",
        "change": "limits:write",
    }

    @extend_schema(request=PostLimit, responses={201: LimitSerializer})
    def create(self, request: Request) -> Response:
        """Create a limit for this tenant; with `all_tenants`, for every tenant."""
        limit = set_limit(Limit(**self.columns_of(PostLimit.read(request.data))), user=self.user)
        return Response(LimitSerializer(limit).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangeLimit, responses=LimitSerializer)
    @action(detail=True, methods=["post"])
    def change(self, request: Request, pk: Any = None) -> Response:
        """Change the number or the note of a limit, or switch it off and on."""
        limit, body = self.get_object(), ChangeLimit.read(request.data)
        return Response(LimitSerializer(change_limit(limit, user=self.user, **dict(body))).data)
