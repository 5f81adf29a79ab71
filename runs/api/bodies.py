"""What clients send: the bodies of the API's verbs. An unknown field is an error that names it."""

from typing import Any, ClassVar

from rest_framework import serializers

from runs.api.fields import (
    COUNT_MAX,
    ObjectField,
    StrictAmount,
    StrictBoolean,
    StrictInteger,
    StrictMoment,
    StrictNumber,
    StrictText,
    StrictUUID,
    UnbuiltText,
)
from runs.operations.post_run import RunRequest
from runs.states import Lane, OnConflict


class StrictSerializer(serializers.Serializer[Any]):
    """A body in which an unknown field is an error that names it."""

    json_schema: ClassVar[dict[str, Any]] = {}  # what is demanded of the fields together

    def to_internal_value(self, data: Any) -> Any:
        """Refuse fields that do not exist."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            known = ", ".join(self.fields) or "none"
            raise serializers.ValidationError({name: [f"There is no such field. Known: {known}."] for name in unknown})
        return super().to_internal_value(data)


class EmptySerializer(StrictSerializer):
    """The body of a verb that takes nothing: none at all, or an empty object."""


class PostRunSerializer(StrictSerializer):
    """The body of `POST /runs/`."""

    job_type = StrictText(max_length=100, trim_whitespace=False)
    input = ObjectField(required=False, default=dict)
    priority = StrictInteger(min_value=0, max_value=9, default=5)
    lane = serializers.ChoiceField(
        list(Lane),
        required=False,
        allow_null=True,
        default=None,
        help_text="`batch`: an agent's model calls go into message batches, later and at half the price. "
        "By default that of the job type.",
    )
    scheduled_at = StrictMoment(required=False, allow_null=True, default=None)
    timeout_s = StrictNumber(min_value=1, max_value=7 * 86400, required=False, allow_null=True, default=None)
    max_cost_usd = StrictAmount(required=False, allow_null=True, default=None)
    metadata = ObjectField(required=False, default=dict)
    webhook_url = UnbuiltText(required=False, allow_null=True, default=None, help_text="Not built yet: 422.")
    continues = StrictUUID(required=False, allow_null=True, default=None)
    on_conflict = serializers.ChoiceField(
        list(OnConflict),
        default=None,
        help_text="While another run counts as the same. Left out: as the job type says.",
    )

    def request(self) -> RunRequest:
        """The validated body."""
        return RunRequest(**self.validated_data)


class MessageSerializer(StrictSerializer):
    """The body of `messages`."""

    text = StrictText(max_length=100_000, trim_whitespace=False)
    end = StrictBoolean(required=False, default=False)


class ForkSerializer(StrictSerializer):
    """The body of `fork`."""

    from_step = StrictInteger(
        min_value=1, max_value=COUNT_MAX, help_text="Inside a turn it goes back to the turn's start."
    )
    input = ObjectField(required=False, allow_null=True, default=None, help_text="Needs `from_step` 1.")
