"""Bodies and documents of bulk redrives."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deadletters.models import Redrive, RedriveItem
from deadletters.redrive.actions import held_by, reasons_of, verbs_of
from deadletters.redrive.options import (
    CANARY_MAX,
    CONCURRENCY_MAX,
    LETTERS_MAX,
    RATE_MAX_PER_S,
    RATE_MIN_PER_S,
    RedriveOptions,
    Selection,
)
from runs.api.bodies import StrictSerializer
from runs.api.documents import Document, Person
from runs.api.fields import StrictInteger, StrictMoment, StrictNumber, StrictText, StrictUUID
from runs.api.serializers import money

_DEFAULT = RedriveOptions()
_OPTIONS = ("rate_per_s", "concurrency", "canary", "stop_above_percent")


class PlanSerializer(StrictSerializer):
    """The body of `POST /redrives/`: which dead letters, and how. Only `ids` can name closed ones."""

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
        """Return which dead letters to send."""
        given = {name: value for name, value in self.validated_data.items() if name not in _OPTIONS}
        return Selection(**given | {"ids": tuple(given.get("ids", ()))})

    def options(self) -> RedriveOptions:
        """Return how to send them."""
        return RedriveOptions(**{name: self.validated_data[name] for name in _OPTIONS})


class CountsSerializer(serializers.Serializer[Any]):
    """The dead letters of a redrive: `excluded`, `skipped`, `pending`, `sent`; the other counts are of those sent."""

    total = serializers.IntegerField()
    left_out = serializers.IntegerField(help_text="Matched too, but beyond the maximum of one redrive.")
    excluded = serializers.IntegerField()
    skipped = serializers.IntegerField()
    pending = serializers.IntegerField()
    sent = serializers.IntegerField()
    in_flight = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


class NotSentSerializer(serializers.Serializer[Any]):
    """Why dead letters were excluded by the plan, or skipped later, and how many."""

    state = serializers.ChoiceField(["excluded", "skipped"])
    reason = serializers.CharField()
    count = serializers.IntegerField()


class RedriveSerializer(Document[Redrive]):
    """A redrive."""

    selection = serializers.SerializerMethodField()
    counts = CountsSerializer(source="*")
    held_by = serializers.SerializerMethodField()
    verbs = serializers.SerializerMethodField()
    estimated_cost_usd = serializers.SerializerMethodField()
    planned_by = Person()
    changed_by = Person(allow_null=True)

    class Meta:
        model = Redrive
        fields = [
            *"id status tenant reason selection rate_per_s concurrency canary stop_above_percent counts".split(),
            *"held_by verbs estimated_cost_usd planned_by planned_at started_at ended_at changed_by changed_at".split(),
        ]

    @extend_schema_field(serializers.DictField())
    def get_selection(self, redrive: Redrive) -> Any:
        """Return the selection."""
        return json.loads(redrive.selection)

    def get_held_by(self, redrive: Redrive) -> str:
        """Return what the redrive waits for; empty if it sends at its rate, or is over."""
        return held_by(redrive)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_verbs(self, redrive: Redrive) -> list[str]:
        """Return the verbs that fit its status."""
        return verbs_of(redrive)

    def get_estimated_cost_usd(self, redrive: Redrive) -> str:
        """Return the plan's estimate of the cost."""
        return money(redrive.estimated_cost_usd) or "0"


class RedriveDetailSerializer(RedriveSerializer):
    """A redrive, with the reasons for excluded and skipped dead letters."""

    not_sent = serializers.SerializerMethodField()

    class Meta(RedriveSerializer.Meta):
        fields = [*RedriveSerializer.Meta.fields, "not_sent"]

    @extend_schema_field(NotSentSerializer(many=True))
    def get_not_sent(self, redrive: Redrive) -> Any:
        """Return the reasons why dead letters were not sent."""
        return NotSentSerializer(reasons_of(redrive), many=True).data


class RedriveItemSerializer(Document[RedriveItem]):
    """One dead letter of a redrive."""

    letter = serializers.UUIDField(source="letter_id")
    run = serializers.UUIDField(source="run_id", allow_null=True, help_text="The replayed run.")

    class Meta:
        model = RedriveItem
        fields = "place letter run state reason sent_at ended_at".split()
