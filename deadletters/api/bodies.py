"""Request bodies about dead letters and their groups."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from rest_framework import serializers

from deadletters.members import member_named
from runs import clock
from runs.api.bodies import StrictSerializer
from runs.api.fields import COUNT_MAX, ObjectField, StrictInteger, StrictMoment, StrictText
from runs.errors import InvalidInputError

NOTE_MAX_CHARS = 4000


class FutureMoment(StrictMoment):
    """A time that has not passed."""

    def to_internal_value(self, value: Any) -> datetime:
        """Refuse a time that has passed."""
        moment = super().to_internal_value(value)
        if moment <= clock.now():
            raise serializers.ValidationError("This time has passed; give a later one.")
        return moment


def note_field() -> StrictText:
    """Build the field of an optional note."""
    return StrictText(required=False, allow_blank=True, default="", max_length=NOTE_MAX_CHARS)


class ReplaySerializer(StrictSerializer):
    """The body of `replay`: empty continues the run; an input or a step starts a new one."""

    input = ObjectField(required=False, allow_null=True, default=None)
    from_step = StrictInteger(required=False, allow_null=True, default=None, min_value=1, max_value=COUNT_MAX)


class DiscardSerializer(StrictSerializer):
    """The body of `discard`."""

    note = StrictText(max_length=NOTE_MAX_CHARS, help_text="Why nobody needs to act.")


class AssignSerializer(StrictSerializer):
    """The body of `assign`."""

    user = StrictText(max_length=150, help_text="Name of a user of the tenant.")
    note = note_field()


class TaskSerializer(AssignSerializer):
    """The body of `task`."""

    due_at = FutureMoment(help_text="When the task is due.")


class NoteSerializer(StrictSerializer):
    """The body of verbs with an optional note: `done`, `resolve`, `reopen`, `pause`, `abort`."""

    note = note_field()


class IgnoreSerializer(StrictSerializer):
    """The body of `ignore`: at least one of `until` and `above_per_hour`."""

    json_schema = {
        "anyOf": [
            {"required": ["until"], "properties": {"until": {"type": "string"}}},
            {"required": ["above_per_hour"], "properties": {"above_per_hour": {"type": "integer"}}},
        ]
    }
    until = FutureMoment(required=False, allow_null=True, default=None)
    above_per_hour = StrictInteger(
        required=False, allow_null=True, default=None, min_value=1, max_value=COUNT_MAX,
        help_text="More dead letters than this within an hour reopen the group.",
    )  # fmt: skip
    note = note_field()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse to ignore something forever."""
        if attrs["until"] is None and attrs["above_per_hour"] is None:
            raise serializers.ValidationError(
                {"until": ["Give a time, or `above_per_hour`: nothing is ignored for ever."]}
            )
        return attrs


class PreviewQuerySerializer(serializers.Serializer[Any]):
    """The parameters of `preview`."""

    from_step = serializers.RegexField(r"(?a)^[1-9][0-9]{0,8}\Z", required=False, trim_whitespace=False)


def assignee_named(username: str, tenants: Collection[str]) -> Any:
    """Find a user of one of these tenants by name. Raises: InvalidInputError naming `user`, also for other tenants'."""
    found = member_named(username, tenants)
    if found is None:
        raise InvalidInputError(
            {"user": [f"nobody named {username!r} belongs to {' or '.join(tenants)}; name a member"]}
        )
    return found
