"""Bulk redrives of dead letters: plan, watch, start, pause, resume, abort."""

import json
from typing import Any

import django_filters  # type: ignore[import-untyped]
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from deadletters.models import DeadLetter, Redrive, RedriveStatus
from deadletters.redrive import verbs
from deadletters.redrive.plan import plan
from deadletters.redrive.progress import held_by, reasons_of, verbs_of
from deadletters.redrive.selection import Selection
from deadletters.redrive.terms import CANARY_MAX, CONCURRENCY_MAX, LETTERS_MAX, RATE_MAX_PER_S, RATE_MIN_PER_S, Terms
from runs.api.bodies import EmptySerializer, StrictSerializer
from runs.api.fields import StrictInteger, StrictMoment, StrictNumber, StrictText, StrictUUID
from runs.api.pagination import NewestFirst
from runs.api.serializers import money
from runs.api.tenant_view import TenantView

_DEFAULT = Terms()
_TERMS = ("rate_per_s", "concurrency", "canary", "stop_above_percent")


class PlanSerializer(StrictSerializer):
    """The body of `POST /redrives/`: which letters, and on which terms. Only `ids` can name letters that are closed."""

    fingerprint = StrictText(max_length=64, required=False)
    job_type = StrictText(max_length=100, required=False)
    error_class = StrictText(max_length=200, required=False)
    failed_after = StrictMoment(required=False, allow_null=True)
    failed_before = StrictMoment(required=False, allow_null=True)
    ids = serializers.ListField(child=StrictUUID(), min_length=1, max_length=LETTERS_MAX, required=False)
    rate_per_s = StrictNumber(min_value=RATE_MIN_PER_S, max_value=RATE_MAX_PER_S, default=_DEFAULT.rate_per_s)
    concurrency = StrictInteger(min_value=1, max_value=CONCURRENCY_MAX, default=_DEFAULT.concurrency)
    canary = StrictInteger(min_value=1, max_value=CANARY_MAX, default=_DEFAULT.canary)
    stop_above_percent = StrictInteger(min_value=0, max_value=100, default=_DEFAULT.stop_above_percent)

    def selection(self) -> Selection:
        """Which letters."""
        given = {name: value for name, value in self.validated_data.items() if name not in _TERMS}
        return Selection(**given | {"ids": tuple(given.get("ids", ()))})

    def terms(self) -> Terms:
        """On which terms."""
        return Terms(**{name: self.validated_data[name] for name in _TERMS})


class NoteSerializer(StrictSerializer):
    """The body of `pause` and `abort`."""

    note = StrictText(max_length=4000, required=False, allow_blank=True, default="", help_text="Why.")


class CountsSerializer(serializers.Serializer[Any]):
    """The letters of a redrive: `excluded`, `skipped`, `pending` and `sent` are all; the rest is of those sent."""

    total = serializers.IntegerField()
    left_out = serializers.IntegerField(help_text="Matched too, beyond what one redrive takes.")
    excluded = serializers.IntegerField()
    skipped = serializers.IntegerField()
    pending = serializers.IntegerField()
    sent = serializers.IntegerField()
    in_flight = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


class NotSentSerializer(serializers.Serializer[Any]):
    """Why letters were excluded by the plan, or skipped later, and how many."""

    state = serializers.ChoiceField(["excluded", "skipped"])
    reason = serializers.CharField()
    count = serializers.IntegerField()


class RedriveSerializer(serializers.ModelSerializer[Redrive]):
    """A redrive."""

    selection = serializers.SerializerMethodField()
    counts = CountsSerializer(source="*")
    held_by = serializers.SerializerMethodField()
    verbs = serializers.SerializerMethodField()
    estimated_cost_usd = serializers.SerializerMethodField()
    planned_by = serializers.SlugRelatedField[Any]("username", read_only=True)
    changed_by = serializers.SlugRelatedField[Any]("username", read_only=True, allow_null=True)

    class Meta:
        model = Redrive
        fields = [
            *"id status tenant reason selection rate_per_s concurrency canary stop_above_percent counts".split(),
            *"held_by verbs estimated_cost_usd planned_by planned_at started_at ended_at changed_by changed_at".split(),
        ]

    @extend_schema_field(serializers.DictField())
    def get_selection(self, redrive: Redrive) -> Any:
        """Which letters were asked for."""
        return json.loads(redrive.selection)

    def get_held_by(self, redrive: Redrive) -> str:
        """What it waits for; empty if it sends at its rate, or is over."""
        return held_by(redrive)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_verbs(self, redrive: Redrive) -> list[str]:
        """The verbs that fit its status."""
        return verbs_of(redrive)

    def get_estimated_cost_usd(self, redrive: Redrive) -> str:
        """What the plan thinks that the replays will cost."""
        return money(redrive.estimated_cost_usd) or "0"


class RedriveDetailSerializer(RedriveSerializer):
    """A redrive, with the reasons why letters take no part."""

    not_sent = serializers.SerializerMethodField()

    class Meta(RedriveSerializer.Meta):
        fields = [*RedriveSerializer.Meta.fields, "not_sent"]

    @extend_schema_field(NotSentSerializer(many=True))
    def get_not_sent(self, redrive: Redrive) -> Any:
        """Why letters were not sent."""
        return NotSentSerializer(reasons_of(redrive), many=True).data


class RedriveFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of redrives."""

    status = django_filters.MultipleChoiceFilter(choices=RedriveStatus.choices)

    class Meta:
        model = Redrive
        fields = ["status"]


class ByPlan(NewestFirst):
    """Redrives, the newest plan first."""

    ordering = ("-planned_at", "-id")


class RedriveViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantView, GenericViewSet[Redrive]):
    """Redrives of the token's tenant."""

    queryset = Redrive.objects.all()
    pagination_class = ByPlan
    filterset_class = RedriveFilter
    lookup_value_converter = "uuid"
    scopes = {
        "list": "dead_letters:read",
        "retrieve": "dead_letters:read",
        "create": "dead_letters:write",
        "start": "dead_letters:write",
        "pause": "dead_letters:write",
        "resume": "dead_letters:write",
        "abort": "dead_letters:write",
    }

    def get_serializer_class(self) -> type[RedriveSerializer]:
        """The list does without the reasons, which cost a query each."""
        return RedriveSerializer if self.action == "list" else RedriveDetailSerializer

    def get_queryset(self) -> QuerySet[Redrive]:
        """Only the tenant's own."""
        if getattr(self, "swagger_fake_view", False):
            return Redrive.objects.none()
        return Redrive.objects.filter(tenant=self.tenant.slug).select_related("planned_by", "changed_by")

    @extend_schema(request=PlanSerializer, responses={201: RedriveDetailSerializer})
    def create(self, request: Request) -> Response:
        """Plan a redrive: count what would be sent, what not and why. Nothing is sent until it is started."""
        body = PlanSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        letters = DeadLetter.objects.filter(tenant=self.tenant.slug)
        redrive = plan(letters, body.selection(), user=self.user, terms=body.terms())
        return Response(RedriveDetailSerializer(redrive).data, status=201)

    @extend_schema(request=EmptySerializer, responses=RedriveDetailSerializer)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: Any = None) -> Response:
        """Send, at the rate that was planned."""
        return self._do(verbs.start, EmptySerializer)

    @extend_schema(request=NoteSerializer, responses=RedriveDetailSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: Any = None) -> Response:
        """Send nothing more until it is resumed; what was sent goes on."""
        return self._do(verbs.pause, NoteSerializer)

    @extend_schema(request=EmptySerializer, responses=RedriveDetailSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: Any = None) -> Response:
        """Go on at the same rate."""
        return self._do(verbs.resume, EmptySerializer)

    @extend_schema(request=NoteSerializer, responses=RedriveDetailSerializer)
    @action(detail=True, methods=["post"])
    def abort(self, request: Request, pk: Any = None) -> Response:
        """Send nothing more, for good; what was sent goes on."""
        return self._do(verbs.abort, NoteSerializer)

    def _do(self, verb: Any, body_class: Any) -> Response:
        body = body_class(data=self.request.data)
        body.is_valid(raise_exception=True)
        redrive = self.get_object()
        verb(redrive, user=self.user, **body.validated_data)
        return Response(RedriveDetailSerializer(redrive).data)
