"""Pauses: the tenant's own, and those of all tenants, which only superusers set."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs.api.bodies import EmptySerializer
from runs.api.documents import Document, Person
from runs.api.fields import StrictMoment, StrictText
from runs.api.pagination import ByPause
from runs.api.scope_body import ScopeSerializer, take_scope
from runs.api.tenant_view import TenantView
from runs.models import Pause
from runs.operations.pauses import end_pause, pause


class PostPauseSerializer(ScopeSerializer):
    """The body of `POST /pauses/`."""

    reason = StrictText(max_length=4000)
    until = StrictMoment(required=False, allow_null=True, default=None)


class PauseSerializer(Document[Pause]):
    """A pause."""

    tenant = serializers.SlugRelatedField[Any]("slug", read_only=True, allow_null=True)
    paused_by = Person()
    ended_by = Person(allow_null=True)

    class Meta:
        model = Pause
        fields = "id queue job_type model tool tenant reason paused_by paused_at until ended_by ended_at".split()


class PauseViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[Pause]):
    """Pauses of the token's tenant and of all tenants, also those that have ended."""

    queryset = Pause.objects.all()
    serializer_class = PauseSerializer
    pagination_class = ByPause
    lookup_value_converter = "uuid"
    scopes = {"list": "limits:read", "retrieve": "limits:read", "create": "limits:write", "end": "limits:write"}

    def get_queryset(self) -> QuerySet[Pause]:
        """What applies to the tenant."""
        if getattr(self, "swagger_fake_view", False):
            return Pause.objects.none()
        return Pause.objects.filter(self.own_or_general).select_related("tenant", "paused_by", "ended_by")

    @extend_schema(request=PostPauseSerializer, responses={201: PauseSerializer})
    def create(self, request: Request) -> Response:
        """Let nothing new of a scope start, in this tenant; with `all_tenants`, in every one."""
        body = PostPauseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = dict(body.validated_data)
        paused = pause(take_scope(self, said), user=self.user, **said)
        return Response(PauseSerializer(paused).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=EmptySerializer, responses=PauseSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: Any = None) -> Response:
        """Let it start again."""
        self.expect_no_fields()
        return Response(PauseSerializer(end_pause(self.get_object(), user=self.user)).data)
