"""Runs: post, list, read, trace, cancel, retry, answer."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from runs.api.pagination import BySequence, NewestFirst
from runs.api.serializers import (
    ActionSerializer,
    MessageSerializer,
    PostRunSerializer,
    RunSerializer,
    StepSerializer,
)
from runs.errors import InvalidInputError
from runs.models import Run
from runs.operations.cancel_run import cancel_run
from runs.operations.post_run import post_run
from runs.operations.replay_run import retry_run
from runs.operations.send_message import send_message
from runs.states import RunStatus

_KEY_MAX = 255


class RunFilter(django_filters.FilterSet):
    """Filters of the list; `status` may be given several times."""

    status = django_filters.MultipleChoiceFilter(choices=[(s.value, s.value) for s in RunStatus])
    created_after = django_filters.IsoDateTimeFilter("created_at", "gte")
    created_before = django_filters.IsoDateTimeFilter("created_at", "lt")
    parent = django_filters.UUIDFilter("parent_id")

    class Meta:
        model = Run
        fields = ["status", "job_type", "queue"]


class RunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Run]):
    """Runs of the token's tenant."""

    queryset = Run.objects.all()
    serializer_class = RunSerializer
    pagination_class = NewestFirst
    filterset_class = RunFilter
    lookup_value_converter = "uuid"
    scopes = {
        "list": "runs:read",
        "retrieve": "runs:read",
        "steps": "runs:read",
        "create": "runs:write",
        "cancel": "runs:write",
        "retry": "runs:write",
        "messages": "runs:write",
    }

    def get_queryset(self) -> QuerySet[Run]:
        """Only the tenant's own; everything else does not exist."""
        if getattr(self, "swagger_fake_view", False):
            return Run.objects.none()
        return (
            Run.objects.filter(tenant=self.request.auth.tenant)
            .select_related("tenant", "requested_by", "line")
            .prefetch_related("actions")
        )

    @extend_schema(
        request=PostRunSerializer,
        responses={202: RunSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER)],
    )
    def create(self, request: Request) -> Response:
        """Post a run: it is stored, queued and answered with its links; the work happens elsewhere."""
        body = PostRunSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        key = request.headers.get("Idempotency-Key") or None
        if key and len(key) > _KEY_MAX:
            raise InvalidInputError({"Idempotency-Key": [f"is longer than {_KEY_MAX} characters"]})
        run, _ = post_run(
            body.request(), tenant=request.auth.tenant, user=request.user, origin="api", idempotency_key=key
        )
        document = self._document(run)
        return Response(document, status=202, headers={"Location": document["links"]["self"]})

    @extend_schema(responses=StepSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=BySequence, filterset_class=None)
    def steps(self, request: Request, pk: Any = None) -> Response:
        """Read the trace: every model call, tool call and wait, in order."""
        page = self.paginate_queryset(self.get_object().steps.all())
        return self.get_paginated_response(StepSerializer(page, many=True).data)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: Any = None) -> Response:
        """Cancel: at once if nobody works on it, at the next boundary if a worker does."""
        return Response(self._document(cancel_run(self.get_object(), actor=request.user.get_username())))

    @extend_schema(request=None, responses={202: RunSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: Any = None) -> Response:
        """Continue a failed run after its last good step."""
        return Response(self._document(retry_run(self.get_object(), user=request.user)), status=202)

    @extend_schema(request=MessageSerializer, responses={202: ActionSerializer})
    @action(detail=True, methods=["post"])
    def messages(self, request: Request, pk: Any = None) -> Response:
        """Answer the open question; with `end`, say a last word and let the run complete."""
        body = MessageSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        answered = send_message(self.get_object(), user=request.user, **body.validated_data)
        return Response(ActionSerializer(answered).data, status=202)

    def _document(self, run: Run) -> dict[str, Any]:
        fresh = self.get_queryset().get(pk=run.pk)
        return dict(RunSerializer(fresh, context={"request": self.request}).data)
