"""What clients send about pending actions and approval rules."""

from typing import Any

from rest_framework import serializers

from runs.api.bodies import MessageSerializer, StrictSerializer
from runs.api.fields import (
    ObjectField,
    StrictAmount,
    StrictBoolean,
    StrictInteger,
    StrictMoment,
    StrictText,
    StrictUUID,
)
from runs.operations.actions.bulk import BULK_MAX, VERBS
from runs.operations.actions.rules import USES_MAX, RuleRequest

__all__ = ["MessageSerializer"]  # what `answer` takes is what `messages` takes

_HASH_CHARS = 64


class ApproveSerializer(StrictSerializer):
    """The body of `approve`."""

    arguments = ObjectField(required=False, allow_null=True, default=None)
    note = StrictText(
        required=False, allow_blank=True, default="", max_length=4000, help_text="Needed for a call of high risk."
    )
    seen = StrictText(
        required=False,
        allow_blank=True,
        default="",
        max_length=_HASH_CHARS,
        help_text="The `bound_hash` of what somebody was shown: 409 if the call was edited since.",
    )


class RejectSerializer(StrictSerializer):
    """The body of `reject`."""

    note = StrictText(max_length=4000, help_text="The model is told.")


class ResolveSerializer(StrictSerializer):
    """The body of `resolve`."""

    outcome = serializers.ChoiceField(["happened", "did_not_happen"])
    result = serializers.JSONField(required=False, allow_null=True, default=None)
    note = StrictText(required=False, allow_blank=True, default="", max_length=4000)


class RaiseSerializer(StrictSerializer):
    """The body of `raise`: one of the two amounts."""

    json_schema = {"oneOf": [{"required": ["max_cost_usd"]}, {"required": ["raise_usd"]}]}
    max_cost_usd = StrictAmount(above_zero=True, required=False, help_text="The new ceiling of the run.")
    raise_usd = StrictAmount(
        above_zero=True, required=False, help_text="What the budget gets for this day or month besides."
    )
    note = StrictText(required=False, allow_blank=True, default="", max_length=4000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand exactly one. Raises: ValidationError."""
        if ("max_cost_usd" in attrs) == ("raise_usd" in attrs):
            said = "Give this for the ceiling of the run, or raise_usd for a budget: one of the two."
            raise serializers.ValidationError({"max_cost_usd": [said]})
        return attrs


class WordsSerializer(StrictSerializer):
    """The body of `ask` and `reply`."""

    text = StrictText(max_length=4000)


class ReassignSerializer(StrictSerializer):
    """The body of `reassign`."""

    to = StrictText(max_length=150, help_text="The name of a user who may decide it.")


class EscalateSerializer(StrictSerializer):
    """The body of `escalate`."""

    note = StrictText(required=False, allow_blank=True, default="", max_length=4000)


class BulkSerializer(StrictSerializer):
    """The body of `bulk`."""

    ids = serializers.ListField(child=StrictUUID(), min_length=1, max_length=BULK_MAX)
    verb = serializers.ChoiceField(list(VERBS))
    note = StrictText(required=False, allow_blank=True, default="", max_length=4000)
    dry_run = StrictBoolean(required=False, default=False, help_text="Only say what would be done.")
    seen = serializers.DictField(
        child=StrictText(allow_blank=True, max_length=_HASH_CHARS),
        allow_empty=False,
        required=False,
        allow_null=True,
        default=None,
        help_text="The `bound_hash` of each as it was shown, by its id: what was edited since is not approved.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand what was seen of each, or of none. Raises: ValidationError."""
        if attrs["seen"] is not None:
            seen = {pk: attrs["seen"].get(str(pk)) for pk in attrs["ids"]}
            if None in seen.values() or len(seen) < len(attrs["seen"]):
                raise serializers.ValidationError({"seen": ["Give the bound_hash of each of the ids, and no other."]})
            attrs["seen"] = seen
        return attrs


class GrantRuleSerializer(StrictSerializer):
    """The body of `POST /approval-rules/`."""

    tool = StrictText(max_length=200)
    reason = StrictText(max_length=4000)
    expires_at = StrictMoment()
    max_uses = StrictInteger(min_value=1, max_value=USES_MAX)
    job_type = StrictText(required=False, allow_blank=True, default="", max_length=100)
    arguments = ObjectField(required=False, default=dict, help_text="Arguments that must be exactly so.")
    max_usd = StrictAmount(above_zero=True, required=False, allow_null=True, default=None)
    max_total_usd = StrictAmount(above_zero=True, required=False, allow_null=True, default=None)

    def request(self) -> RuleRequest:
        """The validated body."""
        return RuleRequest(**self.validated_data)
