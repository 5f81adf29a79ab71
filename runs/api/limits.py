"""Limits: the tenant's own, and those of all tenants, which only superusers set."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs.api.bodies import StrictSerializer
from runs.api.documents import Document, Person
from runs.api.fields import StrictBoolean, StrictInteger, StrictNumber, StrictText
from runs.api.pagination import ByUpdate
from runs.api.scope_body import ScopeSerializer, take_scope
from runs.api.tenant_view import TenantView
from runs.models import Limit
from runs.operations.limits import MOST, change_limit, set_limit
from runs.states import LimitKind


class PostLimitSerializer(ScopeSerializer):
    """The body of `POST /limits/`."""

    kind = serializers.ChoiceField([kind.value for kind in LimitKind], default=LimitKind.CONCURRENCY.value)
    most = StrictInteger(min_value=0, max_value=MOST)
    per_s = StrictNumber(min_value=1, max_value=86_400, required=False, default=60.0, help_text="Of a rate.")
    each_tenant = StrictBoolean(required=False, default=False, help_text="So many for each tenant.")
    note = StrictText(required=False, allow_blank=True, default="", max_length=4000)


class ChangeLimitSerializer(StrictSerializer):
    """The body of `change`."""

    most = StrictInteger(min_value=0, max_value=MOST, required=False)
    is_active = StrictBoolean(required=False)


class LimitSerializer(Document[Limit]):
    """A limit."""

    tenant = serializers.SlugRelatedField[Any]("slug", read_only=True, allow_null=True)
    updated_by = Person(allow_null=True)

    class Meta:
        model = Limit
        fields = (
            "id kind most per_s queue job_type model tool tenant each_tenant is_active note updated_by updated_at"
        ).split()


class LimitViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[Limit]):
    """Limits of the token's tenant and of all tenants."""

    queryset = Limit.objects.all()
    serializer_class = LimitSerializer
    pagination_class = ByUpdate
    lookup_value_converter = "uuid"
    scopes = {
        "list": "limits:read",
        "retrieve": "limits:read",
        "create": "limits:write",
        "change": "limits:write",
    }

    def get_queryset(self) -> QuerySet[Limit]:
        """What applies to the tenant."""
        if getattr(self, "swagger_fake_view", False):
            return Limit.objects.none()
        return Limit.objects.filter(self.own_or_general).select_related("tenant", "updated_by")

    @extend_schema(request=PostLimitSerializer, responses={201: LimitSerializer})
    def create(self, request: Request) -> Response:
        """Make a limit of this tenant; with `all_tenants`, of every one."""
        body = PostLimitSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = dict(body.validated_data)
        limit = set_limit(take_scope(self, said), user=self.user, **said)
        return Response(LimitSerializer(limit).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangeLimitSerializer, responses=LimitSerializer)
    @action(detail=True, methods=["post"])
    def change(self, request: Request, pk: Any = None) -> Response:
        """Change how many it lets through, or switch it off and on."""
        limit = self.get_object()
        body = ChangeLimitSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(LimitSerializer(change_limit(limit, user=self.user, **body.validated_data)).data)
