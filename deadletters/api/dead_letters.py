"""Dead letters: list, read, preview, replay, discard, assign, make a manual task."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deadletters.api.bodies import (
    AssignSerializer,
    DiscardSerializer,
    NoteSerializer,
    PreviewQuerySerializer,
    ReplaySerializer,
    TaskSerializer,
    assignee_named,
)
from deadletters.api.documents import DeadLetterSerializer, PreviewSerializer
from deadletters.api.lists import ByFailure, DeadLetterFilter
from deadletters.decisions import assign, discard, finish_task, make_task
from deadletters.models import DeadLetter
from deadletters.replay import preview, replay
from runs.api.bodies import StrictSerializer
from runs.api.tenant_view import TenantView

_FROM_STEP = OpenApiParameter(
    "from_step",
    {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    description="Same as `from_step` of `replay`.",
)


class DeadLetterViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[DeadLetter]):
    """Dead letters of the token's tenant."""

    queryset = DeadLetter.objects.all()
    serializer_class = DeadLetterSerializer
    pagination_class = ByFailure
    filterset_class = DeadLetterFilter
    lookup_value_converter = "uuid"
    query_parameters = {"preview": frozenset({"from_step"})}
    scopes = {
        "list": "dead_letters:read",
        "retrieve": "dead_letters:read",
        "preview": "dead_letters:read",
        "replay": "dead_letters:write",
        "discard": "dead_letters:write",
        "assign": "dead_letters:write",
        "task": "dead_letters:write",
        "done": "dead_letters:write",
    }

    def get_queryset(self) -> QuerySet[DeadLetter]:
        """Select only the tenant's own dead letters."""
        if getattr(self, "swagger_fake_view", False):
            return DeadLetter.objects.none()
        return DeadLetter.objects.filter(tenant=self.tenant.slug).select_related("assignee", "decided_by")

    @extend_schema(responses=PreviewSerializer, parameters=[_FROM_STEP], filters=False)
    @action(detail=True, filterset_class=None, pagination_class=None)
    def preview(self, request: Request, pk: Any = None) -> Response:
        """Preview what a replay would do, or why it would be refused; new input equals `from_step` 1."""
        query = PreviewQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        from_step = query.validated_data.get("from_step")
        told = preview(self.get_object(), from_step=int(from_step) if from_step else None)
        return Response(PreviewSerializer(told).data)

    @extend_schema(request=ReplaySerializer, responses={202: DeadLetterSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: Any = None) -> Response:
        """Continue the failed run after its last good step, or start a new one from a step or with other input."""
        body = self._body(ReplaySerializer)
        letter = self.get_object()
        replay(letter, user=self.user, new_input=body["input"], from_step=body["from_step"])
        return Response(DeadLetterSerializer(letter).data, status=202)

    @extend_schema(request=DiscardSerializer, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, pk: Any = None) -> Response:
        """Close the dead letter without a replay; the run stays failed."""
        return self._decide(discard, DiscardSerializer)

    @extend_schema(request=AssignSerializer, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: Any = None) -> Response:
        """Assign the dead letter to a user of the tenant; it stays live."""
        return self._decide(assign, AssignSerializer)

    @extend_schema(request=TaskSerializer, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def task(self, request: Request, pk: Any = None) -> Response:
        """Make the dead letter a manual task of a user of the tenant, due at a time."""
        return self._decide(make_task, TaskSerializer)

    @extend_schema(request=NoteSerializer, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def done(self, request: Request, pk: Any = None) -> Response:
        """Close an assigned dead letter as done: a person did by hand what the run could not."""
        return self._decide(finish_task, NoteSerializer)

    def _decide(self, verb: Callable[..., None], body_class: type[StrictSerializer]) -> Response:
        body = self._body(body_class)
        letter = self.get_object()
        if "user" in body:
            body["assignee"] = assignee_named(body.pop("user"), [letter.tenant])
        verb(letter, user=self.user, **body)
        return Response(DeadLetterSerializer(letter).data)

    def _body(self, body_class: type[StrictSerializer]) -> dict[str, Any]:
        body = body_class(data=self.request.data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)
