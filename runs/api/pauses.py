"""Pauses: the tenant's own, and those of all tenants, which only superusers set."""

from typing import Annotated, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from runs.api.documents import Document, Person
from runs.api.pagination import ByPause
from runs.api.selector import SelectorBody, SelectorViewSet
from runs.api.strict_body import Empty, Text, ZonedTime
from runs.models import Pause
from runs.operations.pauses import end_pause, pause


class PostPause(SelectorBody):
    """The body of `POST /pauses/`."""

    reason: Annotated[str, Text(4000)]
    until: ZonedTime | None = None


class PauseSerializer(Document[Pause]):
    """A pause."""

    tenant = serializers.SlugRelatedField[Any]("slug", read_only=True, allow_null=True)
    paused_by = Person()
    ended_by = Person(allow_null=True)

    class Meta:
        model = Pause
        fields = "id queue job_type model tool tenant reason paused_by paused_at until ended_by ended_at".split()


class PauseViewSet(SelectorViewSet[Pause]):
    """Pauses of the token's tenant and of all tenants, ended ones included."""

    queryset = Pause.objects.all()
    serializer_class = PauseSerializer
    pagination_class = ByPause
    related = ("tenant", "paused_by", "ended_by")
    scopes = {"list": "limits:read", "retrieve": "limits:read", "create": "limits:write", "end": "limits:write"}

    @extend_schema(request=PostPause, responses={201: PauseSerializer})
    def create(self, request: Request) -> Response:
        """Keep everything selected from starting, in this tenant; with `all_tenants`, in every tenant."""
        paused = pause(Pause(**self.columns_of(PostPause.read(request.data))), user=self.user)
        return Response(PauseSerializer(paused).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=Empty, responses=PauseSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: Any = None) -> Response:
        """End a pause."""
        self.expect_no_fields()
        return Response(PauseSerializer(end_pause(self.get_object(), user=self.user)).data)
