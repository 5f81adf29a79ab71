"""Bulk redrives of dead letters: plan, watch, start, pause, resume, abort."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deadletters.api.bodies import NoteSerializer
from deadletters.api.lists import ByPlace, ByPlan, RedriveFilter
from deadletters.api.redrive_documents import (
    PlanSerializer,
    RedriveDetailSerializer,
    RedriveItemSerializer,
    RedriveSerializer,
)
from deadletters.models import DeadLetter, Redrive
from deadletters.redrive import actions
from deadletters.redrive.plan import plan
from runs.api.tenant_view import TenantView


class RedriveViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[Redrive]):
    """Redrives of the token's tenant."""

    queryset = Redrive.objects.all()
    pagination_class = ByPlan
    filterset_class = RedriveFilter
    lookup_value_converter = "uuid"
    paged_actions = frozenset({"list", "items"})
    scopes = {
        "list": "dead_letters:read",
        "retrieve": "dead_letters:read",
        "items": "dead_letters:read",
        "create": "dead_letters:write",
        "start": "dead_letters:write",
        "pause": "dead_letters:write",
        "resume": "dead_letters:write",
        "abort": "dead_letters:write",
    }

    def get_serializer_class(self) -> type[RedriveSerializer]:
        """Leave the reasons out of the list: they cost a query each."""
        return RedriveSerializer if self.action == "list" else RedriveDetailSerializer

    def get_queryset(self) -> QuerySet[Redrive]:
        """Select only the tenant's own redrives."""
        if getattr(self, "swagger_fake_view", False):
            return Redrive.objects.none()
        return Redrive.objects.filter(tenant=self.tenant.slug).select_related("planned_by", "changed_by")

    @extend_schema(request=PlanSerializer, responses={201: RedriveDetailSerializer})
    def create(self, request: Request) -> Response:
        """Plan a redrive: count what would be sent, what not and why. Nothing is sent before `start`."""
        body = PlanSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        letters = DeadLetter.objects.filter(tenant=self.tenant.slug)
        redrive = plan(letters, body.selection(), user=self.user, options=body.options())
        return Response(RedriveDetailSerializer(redrive).data, status=201)

    @extend_schema(responses=RedriveItemSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=ByPlace, filterset_class=None)
    def items(self, request: Request, pk: Any = None) -> Response:
        """List the state of each dead letter, in sending order."""
        pages = ByPlace()
        page = pages.paginate_queryset(self.get_object().items.all(), request, view=self)
        return pages.get_paginated_response(RedriveItemSerializer(page or [], many=True).data)

    @extend_schema(request=None, responses=RedriveDetailSerializer)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: Any = None) -> Response:
        """Start sending at the planned rate."""
        self.expect_no_fields()
        return self._do(actions.start)

    @extend_schema(request=NoteSerializer, responses=RedriveDetailSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: Any = None) -> Response:
        """Stop sending until resumed; runs already sent go on."""
        return self._do(actions.pause, **self._note())

    @extend_schema(request=None, responses=RedriveDetailSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: Any = None) -> Response:
        """Resume at the same rate."""
        self.expect_no_fields()
        return self._do(actions.resume)

    @extend_schema(request=NoteSerializer, responses=RedriveDetailSerializer)
    @action(detail=True, methods=["post"])
    def abort(self, request: Request, pk: Any = None) -> Response:
        """Stop sending for good; runs already sent go on."""
        return self._do(actions.abort, **self._note())

    def _note(self) -> dict[str, str]:
        body = NoteSerializer(data=self.request.data)
        body.is_valid(raise_exception=True)
        return body.validated_data  # type: ignore[no-any-return]  # the validated data is the body's

    def _do(self, verb: Any, **note: str) -> Response:
        redrive = self.get_object()
        verb(redrive, user=self.user, **note)
        return Response(RedriveDetailSerializer(redrive).data)
