"""Documents of dead letters, their groups and redrives."""

import json
from functools import cached_property
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deadletters.models import DeadLetter, LetterGroup, Redrive, RedriveItem
from deadletters.redrive.actions import held_by, reasons_of, verbs_of
from deadletters.stats import GroupStats, shared_beyond, stats_of
from runs.api.documents import Document, Moment, Usd
from runs.operations.preview_replay import ReplayPreview


class EffectsSerializer(serializers.Serializer[Any]):
    """Effects that have happened, and those that may have."""

    done = serializers.ListField(child=serializers.DictField())
    unknown = serializers.ListField(child=serializers.DictField())


class DeadLetterSerializer(Document[DeadLetter]):
    """A dead letter."""

    run = serializers.UUIDField(source="run_id")
    effects = serializers.SerializerMethodField()

    class Meta:
        model = DeadLetter
        fields = (
            "id run job_type version step step_name attempt error_class error_kind error_message attempts cost_usd "
            "failed_at fingerprint group status replays replayed_at replayed_as assignee due_at done_at decided_by "
            "decided_at note effects"
        ).split()

    @extend_schema_field(EffectsSerializer)
    def get_effects(self, letter: DeadLetter) -> Any:
        """Return the effects of the run."""
        return json.loads(letter.effects, parse_constant=str)


class PreviewEffectSerializer(serializers.Serializer[Any]):
    """An effect of a recorded step."""

    seq = serializers.IntegerField()
    tool = serializers.CharField()
    effect_key = serializers.CharField(allow_null=True)


class PreviewSerializer(serializers.Serializer[ReplayPreview]):
    """What a replay would do. Steps are numbers in the run that failed."""

    reused = serializers.ListField(child=serializers.IntegerField())
    runs_again = serializers.ListField(child=serializers.IntegerField())
    effects_done = PreviewEffectSerializer(many=True)
    effects_unknown = PreviewEffectSerializer(many=True)
    effects_repeated = PreviewEffectSerializer(many=True)
    estimated_cost_usd = Usd(help_text="Of the missing model calls.")
    refusal = serializers.CharField()


class LetterGroupSerializer(Document[LetterGroup]):
    """A group, limited to the tenant's own dead letters.

    Notes of people about a cause shared with other tenants are hidden.
    """

    count = serializers.IntegerField(source="own.count")
    first_seen = Moment(source="own.first_seen")
    last_seen = Moment(source="own.last_seen")
    trend = serializers.ListField(
        source="own.trend", child=serializers.IntegerField(), help_text="By hour of the last 24, oldest first."
    )
    versions = serializers.DictField(
        source="own.versions", child=serializers.IntegerField(), help_text="By version of the definition."
    )

    class Meta:
        model = LetterGroup
        fields = (
            "id fingerprint job_type step_name error_class message state count first_seen last_seen trend versions "
            "ignored_until ignored_above_per_hour resolved_at resolved_by assignee note"
        ).split()

    @cached_property
    def _tenants(self) -> list[str]:
        return [self.context["view"].tenant.slug]

    @cached_property
    def _stats(self) -> dict[UUID, GroupStats]:
        return stats_of(self.page, tenants=self._tenants)

    @cached_property
    def _shared(self) -> set[UUID]:
        return shared_beyond(self.page, self._tenants)

    def to_representation(self, instance: LetterGroup) -> dict[str, Any]:
        """Count the tenant's own; leave out notes and names if the group is shared between tenants."""
        instance.own = self._stats[instance.pk]  # type: ignore[attr-defined]  # read by the fields above
        document = super().to_representation(instance)
        hidden = {"assignee": None, "resolved_by": None, "note": ""}
        return document | hidden if instance.pk in self._shared else document


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

    class Meta:
        model = Redrive
        fields = (
            "id status tenant reason selection rate_per_s concurrency canary stop_above_percent counts "
            "held_by verbs estimated_cost_usd planned_by planned_at started_at ended_at changed_by changed_at"
        ).split()

    def get_selection(self, redrive: Redrive) -> dict[str, Any]:
        """Return which dead letters were asked for."""
        return dict(json.loads(redrive.selection))

    def get_held_by(self, redrive: Redrive) -> str:
        """Return what the redrive waits for; empty if it sends at its rate, or is over."""
        return held_by(redrive)

    def get_verbs(self, redrive: Redrive) -> list[str]:
        """Return the verbs that fit its status."""
        return verbs_of(redrive)


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

    run = serializers.UUIDField(source="run_id", allow_null=True, help_text="The replayed run.")

    class Meta:
        model = RedriveItem
        fields = "place letter run state reason sent_at ended_at".split()
