"""Documents of dead letters, their groups and redrives."""

import json
from functools import cached_property
from typing import Any
from uuid import UUID

from rest_framework import serializers

from deadletters.models import DeadLetter, LetterGroup, Redrive, RedriveItem
from deadletters.redrive.actions import held_by, reasons_of, verbs_of
from deadletters.stats import GroupStats, shared_beyond, stats_of
from runs.api.documents import Amount, Computed, Document, Moment
from runs.api.serializers import EffectSerializer
from runs.operations.preview_replay import ReplayPreview


class EffectsSerializer(serializers.Serializer[Any]):
    """Effects that have happened, and those that may have."""

    done = serializers.ListField(child=serializers.DictField())
    unknown = serializers.ListField(child=serializers.DictField())


class DeadLetterSerializer(Document[DeadLetter]):
    """A dead letter."""

    run = serializers.UUIDField(source="run_id")
    effects = Computed(lambda letter: json.loads(letter.effects, parse_constant=str), EffectsSerializer())

    class Meta:
        model = DeadLetter
        fields = (
            "id run job_type version step step_name attempt error_class error_kind error_message attempts cost_usd "
            "failed_at fingerprint group status replays replayed_at replayed_as assignee due_at done_at decided_by "
            "decided_at note effects"
        ).split()


class PreviewEffectSerializer(EffectSerializer):
    """An effect of a recorded step."""


class PreviewSerializer(serializers.Serializer[ReplayPreview]):
    """What a replay would do. Steps are numbers in the run that failed."""

    reused = serializers.ListField(child=serializers.IntegerField())
    runs_again = serializers.ListField(child=serializers.IntegerField())
    effects_done = PreviewEffectSerializer(many=True)
    effects_unknown = PreviewEffectSerializer(many=True)
    effects_repeated = PreviewEffectSerializer(many=True)
    estimated_cost_usd = Amount(help_text="Of the missing model calls.")
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


class CountsSerializer(Document[Redrive]):
    """The dead letters of a redrive: `excluded`, `skipped`, `pending`, `sent`; the other counts are of those sent."""

    class Meta:
        model = Redrive
        fields = "total left_out excluded skipped pending sent in_flight completed failed cancelled".split()


class NotSentSerializer(serializers.Serializer[Any]):
    """Why dead letters were excluded by the plan, or skipped later, and how many."""

    state = serializers.ChoiceField(["excluded", "skipped"])
    reason = serializers.CharField()
    count = serializers.IntegerField()


class RedriveSerializer(Document[Redrive]):
    """A redrive."""

    selection = Computed(lambda redrive: json.loads(redrive.selection), serializers.DictField())
    counts = CountsSerializer(source="*")
    held_by = Computed(held_by, serializers.CharField(help_text="What it waits for; empty: nothing, or it is over."))
    verbs = Computed(verbs_of, serializers.ListField(child=serializers.CharField()))

    class Meta:
        model = Redrive
        fields = (
            "id status tenant reason selection rate_per_s concurrency canary stop_above_percent counts "
            "held_by verbs estimated_cost_usd planned_by planned_at started_at ended_at changed_by changed_at"
        ).split()


class RedriveDetailSerializer(RedriveSerializer):
    """A redrive, with the reasons for excluded and skipped dead letters."""

    not_sent = Computed(reasons_of, NotSentSerializer(many=True))

    class Meta(RedriveSerializer.Meta):
        fields = [*RedriveSerializer.Meta.fields, "not_sent"]


class RedriveItemSerializer(Document[RedriveItem]):
    """One dead letter of a redrive."""

    run = serializers.UUIDField(source="run_id", allow_null=True, help_text="The replayed run.")

    class Meta:
        model = RedriveItem
        fields = "place letter run state reason sent_at ended_at".split()
