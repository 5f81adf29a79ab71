"""The documents of the API, as DESIGN fixes them. Money is a decimal string, times are UTC."""

import json
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from runs.api.documents import Document, Moment, Person
from runs.engine.cancel import Cancellation, cancellation_of
from runs.engine.signed_blocks import without_sealed
from runs.models import Run, Step
from runs.operations.why import Around, why
from runs.states import ActionStatus, Applied, OnConflict


class StoredJSON(serializers.JSONField):
    """A stored JSON value. A job's output may hold NaN, which is not JSON: one such run must not break a list."""

    def to_representation(self, value: Any) -> Any:
        """Write NaN and infinities as texts."""
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            return json.loads(json.dumps(value), parse_constant=str)
        return value


class ReasonSerializer(serializers.Serializer[Any]):
    """One reason why a run waits."""

    code = serializers.CharField()
    message = serializers.CharField()
    until = Moment(allow_null=True)


_REASONS = ReasonSerializer(many=True)  # made once: a list uses it for each of its runs


class ProgressSerializer(serializers.Serializer[Any]):
    """The progress of a run."""

    percent = serializers.FloatField()
    message = serializers.CharField()


class UsageSerializer(serializers.Serializer[Any]):
    """Tokens of the four kinds; they are disjoint."""

    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cache_read_tokens = serializers.IntegerField()
    cache_write_tokens = serializers.IntegerField()


class LastErrorSerializer(serializers.Serializer[Any]):
    """The newest failure."""

    type = serializers.CharField()
    message = serializers.CharField()
    at = Moment(required=False)


class LastEffectSerializer(serializers.Serializer[Any]):
    """The effect begun last."""

    seq = serializers.IntegerField()
    tool = serializers.CharField()
    effect_key = serializers.CharField(allow_null=True)
    status = serializers.CharField()


class CancellationSerializer(serializers.Serializer[Any]):
    """The cancellation of a run, finished or in progress."""

    requested_at = Moment()
    requested_by = serializers.CharField()
    reason = serializers.CharField(allow_null=True, help_text="The error by which its job type discarded it.")
    last_effect = LastEffectSerializer(allow_null=True)
    spent_after_usd = serializers.SerializerMethodField()

    def get_spent_after_usd(self, cancellation: Cancellation) -> str:
        """Return what was spent after the request."""
        return money(cancellation.spent_after_usd) or "0"


class LinksSerializer(serializers.Serializer[Any]):
    """Links from a run."""

    self = serializers.CharField()
    steps = serializers.CharField()
    cancel = serializers.CharField()


_CANCELLATION = CancellationSerializer()


def money(value: Decimal | None) -> str | None:
    """Write an amount of USD as a plain decimal string."""
    return None if value is None else f"{value.normalize():f}"


class RunSerializer(Document[Run]):
    """A run."""

    tenant = serializers.SlugRelatedField[Any]("slug", read_only=True)
    input = StoredJSON()
    output = StoredJSON()
    metadata = StoredJSON()
    progress = serializers.SerializerMethodField()
    why = serializers.SerializerMethodField()
    last_error = serializers.SerializerMethodField()
    usage = UsageSerializer()
    cost_usd = serializers.SerializerMethodField()
    max_cost_usd = serializers.SerializerMethodField()
    open_actions = serializers.SerializerMethodField()
    cancellation = serializers.SerializerMethodField()
    # DRF's metaclass removes declared fields from the class, so this does not hide `BaseSerializer.parent`.
    parent = serializers.UUIDField(source="parent_id", allow_null=True)  # type: ignore[assignment]  # DRF has a `parent`
    continues = serializers.UUIDField(source="continues_id", allow_null=True)
    forked_from = serializers.UUIDField(source="forked_from_id", allow_null=True)
    requested_by = Person()
    links = serializers.SerializerMethodField()

    @cached_property
    def _around(self) -> Around:
        """Return the shared facts for all runs of a page."""
        whole: Any = self.parent or self  # the list, if this is one of many
        page = whole.instance
        return Around([page] if isinstance(page, Run) else page or ())

    @cached_property
    def _list_address(self) -> str:
        path, request = reverse("agentops_api:run-list"), self.context.get("request")
        return str(request.build_absolute_uri(path)) if request else path

    class Meta:
        model = Run
        fields = (
            "id job_type status queue lane priority tenant requested_by origin input output progress why "
            "attempts next_attempt_at last_error usage cost_usd max_cost_usd timeout_s open_actions parent "
            "continues forked_from metadata cancellation created_at started_at finished_at links"
        ).split()

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, run: Run) -> dict[str, Any]:
        """Return the progress."""
        return {"percent": run.progress_percent, "message": run.progress_message}

    @extend_schema_field(ReasonSerializer(many=True))
    def get_why(self, run: Run) -> Any:
        """Return the reasons why the run waits."""
        return _REASONS.to_representation(why(run, self._around))

    @extend_schema_field(LastErrorSerializer(allow_null=True))
    def get_last_error(self, run: Run) -> Any:
        """The newest failure."""
        return run.last_error

    def get_cost_usd(self, run: Run) -> str:
        """Return the cost so far."""
        return money(run.cost_usd) or "0"

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_max_cost_usd(self, run: Run) -> str | None:
        """Return the maximum cost."""
        return money(run.max_cost_usd)

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_open_actions(self, run: Run) -> list[str]:
        """Return the ids of open actions."""
        return [str(action.pk) for action in run.actions.all() if action.status == ActionStatus.OPEN]

    @extend_schema_field(CancellationSerializer(allow_null=True))
    def get_cancellation(self, run: Run) -> Any:
        """Return who asked to cancel, the last effect and what was spent after; null if nobody asked."""
        cancellation = cancellation_of(run)
        return _CANCELLATION.to_representation(cancellation) if cancellation else None

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


class StepErrorSerializer(serializers.Serializer[Any]):
    """What went wrong in a step."""

    type = serializers.CharField()
    message = serializers.CharField()


class StepResult(StoredJSON):
    """A step's result, without parts signed or encrypted by the provider."""

    def to_representation(self, value: Any) -> Any:
        """Show it."""
        return super().to_representation(without_sealed(value))


class StepSerializer(Document[Step]):
    """A step."""

    arguments = StoredJSON()
    result = StepResult()
    error = serializers.SerializerMethodField()
    usage = UsageSerializer()
    cost_usd = serializers.SerializerMethodField()

    class Meta:
        model = Step
        fields = (
            "seq kind name status attempt effect effect_key tool_use_id arguments result error usage "
            "cost_usd reused_from started_at finished_at"
        ).split()

    @extend_schema_field(StepErrorSerializer(allow_null=True))
    def get_error(self, step: Step) -> Any:
        """What went wrong."""
        return step.error

    def get_cost_usd(self, step: Step) -> str:
        """What it cost."""
        return money(step.cost_usd) or "0"
