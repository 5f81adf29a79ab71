"""Dead letters: list, read, replay, discard."""

import json
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deadletters.models import DeadLetter
from deadletters.replay import discard, replay
from runs.api.bodies import DiscardSerializer, ReplaySerializer
from runs.api.filters import DeadLetterFilter
from runs.api.pagination import ByFailure
from runs.api.tenant_view import TenantView
from runs.models import Run
from runs.operations.roles import check_may_operate


class EffectsSerializer(serializers.Serializer[Any]):
    """Effects that have happened, and those that may have."""

    done = serializers.ListField(child=serializers.DictField())
    unknown = serializers.ListField(child=serializers.DictField())


class DeadLetterSerializer(serializers.ModelSerializer[DeadLetter]):
    """A dead letter."""

    run = serializers.UUIDField(source="run_id")
    effects = serializers.SerializerMethodField()

    class Meta:
        model = DeadLetter
        fields = (
            "id run job_type step step_name error_class error_message attempts failed_at fingerprint status "
            "replayed_at replayed_as note effects"
        ).split()

    @extend_schema_field(EffectsSerializer)
    def get_effects(self, letter: DeadLetter) -> Any:
        """What had happened."""
        return json.loads(letter.effects, parse_constant=str)


class DeadLetterViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[DeadLetter]):
    """Dead letters of the token's tenant."""

    queryset = DeadLetter.objects.all()
    serializer_class = DeadLetterSerializer
    pagination_class = ByFailure
    filterset_class = DeadLetterFilter
    lookup_value_converter = "uuid"
    scopes = {
        "list": "dead_letters:read",
        "retrieve": "dead_letters:read",
        "replay": "dead_letters:write",
        "discard": "dead_letters:write",
    }

    def get_queryset(self) -> QuerySet[DeadLetter]:
        """Only the tenant's own."""
        if getattr(self, "swagger_fake_view", False):
            return DeadLetter.objects.none()
        return DeadLetter.objects.filter(tenant=self.tenant.slug)

    @extend_schema(request=ReplaySerializer, responses={202: DeadLetterSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: Any = None) -> Response:
        """Continue the failed run after its last good step, or start a new one with other input."""
        body = ReplaySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        letter = self.get_object()
        replay(letter, user=self.user, new_input=body.validated_data["input"])
        return Response(DeadLetterSerializer(letter).data, status=202)

    @extend_schema(request=DiscardSerializer, responses=DeadLetterSerializer)
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, pk: Any = None) -> Response:
        """Close the letter; the run stays failed."""
        body = DiscardSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        letter = self.get_object()
        check_may_operate(Run.objects.get(pk=letter.run_id), self.user)
        discard(letter, user=self.user, note=body.validated_data["note"])
        return Response(DeadLetterSerializer(letter).data)
