"""Documents of dead letters and their groups."""

import json
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deadletters.models import DeadLetter, LetterGroup
from deadletters.stats import GroupStats
from runs.api.documents import Document, Moment, Person
from runs.api.serializers import money
from runs.operations.preview_replay import ReplayPreview


class EffectsSerializer(serializers.Serializer[Any]):
    """Effects that have happened, and those that may have."""

    done = serializers.ListField(child=serializers.DictField())
    unknown = serializers.ListField(child=serializers.DictField())


class DeadLetterSerializer(Document[DeadLetter]):
    """A dead letter."""

    run = serializers.UUIDField(source="run_id")
    group = serializers.UUIDField(source="group_id", allow_null=True)
    assignee = Person(allow_null=True)
    decided_by = Person(allow_null=True)
    cost_usd = serializers.SerializerMethodField()
    effects = serializers.SerializerMethodField()

    class Meta:
        model = DeadLetter
        fields = (
            "id run job_type version step step_name attempt error_class error_kind error_message attempts cost_usd "
            "failed_at fingerprint group status replays replayed_at replayed_as assignee due_at done_at decided_by "
            "decided_at note effects"
        ).split()

    def get_cost_usd(self, letter: DeadLetter) -> str:
        """Return the cost of the run."""
        return money(letter.cost_usd) or "0"

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
    estimated_cost_usd = serializers.SerializerMethodField()
    refusal = serializers.CharField()

    def get_estimated_cost_usd(self, preview: ReplayPreview) -> str:
        """Return the estimated cost of the missing model calls."""
        return money(preview.estimated_cost_usd) or "0"


def _moment(moment: datetime | None) -> Any:
    return Moment().to_representation(moment) if moment else None


class LetterGroupSerializer(Document[LetterGroup]):
    """A group, limited to the tenant's own dead letters.

    Notes of people about a cause shared with other tenants are hidden.
    """

    # Needs `stats` and `shared` in its context: see `DeadLetterGroupViewSet`.

    count = serializers.SerializerMethodField()
    first_seen = serializers.SerializerMethodField()
    last_seen = serializers.SerializerMethodField()
    versions = serializers.SerializerMethodField()
    trend = serializers.SerializerMethodField()
    assignee = Person(allow_null=True)
    resolved_by = Person(allow_null=True)

    class Meta:
        model = LetterGroup
        fields = (
            "id fingerprint job_type step_name error_class message state count first_seen last_seen trend versions "
            "ignored_until ignored_above_per_hour resolved_at resolved_by assignee note"
        ).split()

    def to_representation(self, instance: LetterGroup) -> dict[str, Any]:
        """Leave out notes and names if the group is shared between tenants."""
        document = super().to_representation(instance)
        if instance.pk in self.context["shared"]:
            document |= {"assignee": None, "resolved_by": None, "note": ""}
        return document

    def _stats(self, group: LetterGroup) -> GroupStats:
        stats: GroupStats = self.context["stats"][group.pk]
        return stats

    def get_count(self, group: LetterGroup) -> int:
        """Return the number of the tenant's dead letters."""
        return self._stats(group).count

    @extend_schema_field(Moment())
    def get_first_seen(self, group: LetterGroup) -> Any:
        """Return the time of the tenant's first dead letter."""
        return _moment(self._stats(group).first_seen)

    @extend_schema_field(Moment())
    def get_last_seen(self, group: LetterGroup) -> Any:
        """Return the time of the tenant's last dead letter."""
        return _moment(self._stats(group).last_seen)

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_versions(self, group: LetterGroup) -> dict[str, int]:
        """Count dead letters by version of the definition."""
        return self._stats(group).versions

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_trend(self, group: LetterGroup) -> list[int]:
        """Count dead letters in each of the last 24 hours, oldest first."""
        return self._stats(group).trend
