"""Limits and pauses: the tenant's own, and those of all tenants, which only superusers set."""

from typing import Annotated, Any, TypeVar

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.documents import Document
from runs.api.rows import RowViewSet, verb
from runs.api.strict_body import LEFT_OUT, Body, Empty, OneOf, OptionalText, RequiredText, Text, ZonedTime
from runs.models import Limit, Pause, Selector
from runs.operations.limits import MOST, change_limit, set_limit
from runs.operations.pauses import end_pause, pause
from runs.states import LimitKind

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


class PostLimit(SelectorBody):
    """The body of `POST /limits/`."""

    kind: Annotated[str, OneOf(LimitKind)] = LimitKind.CONCURRENCY.value
    most: Annotated[int, Field(ge=0, le=MOST)] = Field(
        description="Runs at once, starts within `per_s`, or runs that wait."
    )
    per_s: Annotated[float, Field(ge=1, le=86_400)] = Field(60.0, description="Of a rate.")
    each_tenant: bool = Field(False, description="For each tenant, instead of for all together.")
    note: OptionalText = ""


class ChangeLimit(Body):
    """The body of `change`: what is left out stays as it is."""

    most: Annotated[int, Field(ge=0, le=MOST)] = LEFT_OUT
    is_active: bool = LEFT_OUT
    note: OptionalText = LEFT_OUT


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
        change_limit, ChangeLimit, "Change the number or the note of a limit, or switch it off and on.", name="change"
    )


class PostPause(SelectorBody):
    """The body of `POST /pauses/`."""

    reason: RequiredText
    until: ZonedTime | None = None


class PauseSerializer(Document[Pause]):
    """A pause."""

    class Meta:
        model = Pause
        fields = "id queue job_type model tool tenant reason paused_by paused_at until ended_by ended_at".split()


class PauseViewSet(SelectorViewSet[Pause]):
    """Pauses of the token's tenant and of all tenants, ended ones included."""

    queryset = Pause.objects.select_related("tenant", "paused_by", "ended_by")
    serializer_class = PauseSerializer
    ordering = ("-paused_at", "-id")

    @extend_schema(request=PostPause, responses={201: PauseSerializer})
    def create(self, request: Request) -> Response:
        """Keep everything selected from starting, in this tenant; with `all_tenants`, in every tenant."""
        paused = Pause(**self.columns_of(self.read(PostPause)))
        return self.respond(pause(paused, user=self.user), status=201)

    end = verb(end_pause, Empty, "End a pause.", name="end")
