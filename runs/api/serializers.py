"""The documents of runs and their steps, as DESIGN fixes them."""

from functools import cached_property
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from runs.api.documents import Amount, Computed, Document, Moment, StoredJSON
from runs.engine.cancel import cancellation_of
from runs.engine.signed_blocks import without_sealed
from runs.models import Run, Step
from runs.operations.why import Around, why
from runs.states import ActionStatus, Applied, OnConflict


class ReasonSerializer(serializers.Serializer[Any]):
    """One reason why a run waits."""

    code = serializers.CharField()
    message = serializers.CharField()
    until = Moment(allow_null=True)


_REASONS = ReasonSerializer(many=True)  # made once: a list uses it for each of its runs


class ProgressSerializer(serializers.Serializer[Any]):
    """The progress of a run."""

    percent = serializers.FloatField(source="progress_percent")
    message = serializers.CharField(source="progress_message")


class UsageSerializer(serializers.Serializer[Any]):
    """Tokens of the four kinds; they are disjoint."""

    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cache_read_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()


class StepErrorSerializer(serializers.Serializer[Any]):
    """What went wrong in a step."""

    type = serializers.CharField()
    message = serializers.CharField()


class LastErrorSerializer(StepErrorSerializer):
    """The newest failure."""

    at = Moment(required=False)


class EffectSerializer(serializers.Serializer[Any]):
    """An effect of a recorded step."""

    seq = serializers.IntegerField()
    tool = serializers.CharField()
    effect_key = serializers.CharField(allow_null=True)


class LastEffectSerializer(EffectSerializer):
    """The effect begun last."""

    status = serializers.CharField()


class CancellationSerializer(serializers.Serializer[Any]):
    """The cancellation of a run, finished or in progress."""

    requested_at = Moment()
    requested_by = serializers.CharField()
    reason = serializers.CharField(allow_null=True, help_text="The error by which its job type discarded it.")
    last_effect = LastEffectSerializer(allow_null=True)
    spent_after_usd = Amount(help_text="Spent after the request.")


class LinksSerializer(serializers.Serializer[Any]):
    """Links from a run."""

    self = serializers.CharField()
    steps = serializers.CharField()
    cancel = serializers.CharField()


class RunSerializer(Document[Run]):
    """A run."""

    progress = ProgressSerializer(source="*")
    why = serializers.SerializerMethodField()
    last_error = LastErrorSerializer(allow_null=True)
    usage = UsageSerializer()
    open_actions = serializers.SerializerMethodField()
    cancellation = Computed(cancellation_of, CancellationSerializer(allow_null=True))
    links = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields = (
            "id job_type status queue lane priority tenant requested_by origin input output progress why "
            "attempts next_attempt_at last_error usage cost_usd max_cost_usd timeout_s open_actions parent "
            "continues forked_from metadata cancellation created_at started_at finished_at links"
        ).split()

    @cached_property
    def _around(self) -> Around:
        return Around(self.page)

    @cached_property
    def _list_address(self) -> str:
        path, request = reverse("agentops_api:run-list"), self.context.get("request")
        return str(request.build_absolute_uri(path)) if request else path

    @extend_schema_field(ReasonSerializer(many=True))
    def get_why(self, run: Run) -> Any:
        """Return the reasons why the run waits."""
        return _REASONS.to_representation(why(run, self._around))

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_open_actions(self, run: Run) -> list[str]:
        """Return the ids of open actions."""
        return [str(action.pk) for action in run.actions.all() if action.status == ActionStatus.OPEN]

    @extend_schema_field(LinksSerializer)
    def get_links(self, run: Run) -> dict[str, str]:
        """Return the links."""
        own = f"{self._list_address}{run.pk}/"
        return {"self": own, "steps": f"{own}steps/", "cancel": f"{own}cancel/"}


class ConflictSerializer(serializers.Serializer[Any]):
    """What was done about another run that counts as the same."""

    policy = serializers.ChoiceField(list(OnConflict), help_text="The request's, or the job type's.")
    applied = serializers.ChoiceField(list(Applied))
    run = serializers.UUIDField(help_text="The surviving run: the one in this document.")
    displaced = serializers.ListField(child=serializers.UUIDField(), help_text="Runs that were cancelled, or will be.")


class PostedRunSerializer(RunSerializer):
    """A run as returned by posting it."""

    conflict = ConflictSerializer(required=False, help_text="Present if the request or the job type has a policy.")

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "conflict"]


class StepResult(StoredJSON):
    """A step's result, without parts signed or encrypted by the provider."""

    def to_representation(self, value: Any) -> Any:
        """Show it."""
        return super().to_representation(without_sealed(value))


class StepSerializer(Document[Step]):
    """A step."""

    result = StepResult()
    error = StepErrorSerializer(allow_null=True)
    usage = UsageSerializer()

    class Meta:
        model = Step
        fields = (
            "seq kind name status attempt effect effect_key tool_use_id arguments result error usage "
            "cost_usd reused_from started_at finished_at"
        ).split()
