"""Ceilings: the tenant's own, and those of all tenants, which only superusers set."""

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
from runs.api.fields import StrictBoolean, StrictInteger, StrictText
from runs.api.pagination import ByUpdate
from runs.api.tenant_view import TenantView
from runs.models import Ceiling
from runs.operations.ceilings import set_ceiling


class PostCeilingSerializer(StrictSerializer):
    """The body of `POST /ceilings/`."""

    queue = StrictText(max_length=64)
    most = StrictInteger(min_value=0, max_value=Ceiling.MOST, help_text="Runs that may wait. 0 refuses every new one.")
    all_tenants = StrictBoolean(required=False, default=False, help_text="Of every tenant; for superusers.")
    each_tenant = StrictBoolean(
        required=False, default=False, help_text="With `all_tenants`: so many for each, instead of for all together."
    )
    note = StrictText(required=False, allow_blank=True, default="", max_length=4000)


class ChangeCeilingSerializer(StrictSerializer):
    """The body of `change`: what is left out stays as it is."""

    most = StrictInteger(min_value=0, max_value=Ceiling.MOST, required=False)
    is_active = StrictBoolean(required=False)
    note = StrictText(required=False, allow_blank=True, max_length=4000)


class CeilingSerializer(Document[Ceiling]):
    """A ceiling."""

    tenant = serializers.SlugRelatedField[Any]("slug", read_only=True, allow_null=True)
    updated_by = Person(allow_null=True)

    class Meta:
        model = Ceiling
        fields = "id queue most tenant each_tenant is_active note updated_by updated_at".split()


class CeilingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[Ceiling]):
    """Ceilings of the token's tenant and of all tenants."""

    queryset = Ceiling.objects.all()
    serializer_class = CeilingSerializer
    pagination_class = ByUpdate
    lookup_value_converter = "int"
    scopes = {
        "list": "limits:read",
        "retrieve": "limits:read",
        "create": "limits:write",
        "change": "limits:write",
    }

    def get_queryset(self) -> QuerySet[Ceiling]:
        """What applies to the tenant."""
        if getattr(self, "swagger_fake_view", False):
            return Ceiling.objects.none()
        return Ceiling.objects.filter(self.own_or_general).select_related("tenant", "updated_by")

    @extend_schema(request=PostCeilingSerializer, responses={201: CeilingSerializer})
    def create(self, request: Request) -> Response:
        """Make a ceiling of this tenant; with `all_tenants`, of every one."""
        body = PostCeilingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = dict(body.validated_data)
        ceiling = Ceiling(tenant=None if said.pop("all_tenants") else self.tenant, **said)
        return Response(self._set(ceiling), status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangeCeilingSerializer, responses=CeilingSerializer)
    @action(detail=True, methods=["post"])
    def change(self, request: Request, pk: Any = None) -> Response:
        """Change how many may wait, or switch it off and on."""
        ceiling = self.get_object()
        body = ChangeCeilingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        for name, value in body.validated_data.items():
            setattr(ceiling, name, value)
        return Response(self._set(ceiling))

    def _set(self, ceiling: Ceiling) -> Any:
        set_ceiling(ceiling, user=self.user)
        return CeilingSerializer(ceiling).data
