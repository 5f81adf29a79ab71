"""Pending actions: list, read, approve, reject, resolve."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs.api.bodies import ApproveSerializer, RejectSerializer, ResolveSerializer
from runs.api.filters import ActionFilter
from runs.api.pagination import ByRequest
from runs.api.serializers import ActionSerializer
from runs.api.tenant_view import TenantView
from runs.models import PendingAction
from runs.operations.decide_action import approve, reject, resolve


class ActionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[PendingAction]):
    """Pending actions of the token's tenant."""

    queryset = PendingAction.objects.all()
    serializer_class = ActionSerializer
    pagination_class = ByRequest
    filterset_class = ActionFilter
    lookup_value_converter = "uuid"
    scopes = {
        "list": "actions:read",
        "retrieve": "actions:read",
        "approve": "actions:decide",
        "reject": "actions:decide",
        "resolve": "actions:decide",
    }

    def get_queryset(self) -> QuerySet[PendingAction]:
        """Only the tenant's own."""
        if getattr(self, "swagger_fake_view", False):
            return PendingAction.objects.none()
        return PendingAction.objects.filter(tenant=self.tenant).select_related("step", "decided_by", "run")

    @extend_schema(request=ApproveSerializer, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: Any = None) -> Response:
        """Allow the call, with other arguments if given; for a budget, raise it."""
        return self._decide(approve, ApproveSerializer)

    @extend_schema(request=RejectSerializer, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: Any = None) -> Response:
        """Refuse the call; the note tells the model why."""
        return self._decide(reject, RejectSerializer)

    @extend_schema(request=ResolveSerializer, responses=ActionSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: Any = None) -> Response:
        """Say whether an effect whose result was lost has happened."""
        return self._decide(resolve, ResolveSerializer)

    def _decide(self, verb: Any, body_class: Any) -> Response:
        body = body_class(data=self.request.data)
        body.is_valid(raise_exception=True)
        decided = verb(self.get_object(), user=self.user, **body.validated_data)
        return Response(ActionSerializer(decided).data)
