"""Request bodies about runs."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field
from rest_framework import serializers

from runs.api.fields import COUNT_MAX
from runs.api.strict_body import LEFT_OUT, Body, Id, Object, OneOf, Text, Usd, ZonedTime, described
from runs.operations.post_run import RunRequest
from runs.states import Lane, OnConflict


class StrictSerializer(serializers.Serializer[Any]):
    """A body about dead letters, in which an unknown field is an error that names it."""

    json_schema: ClassVar[dict[str, Any]] = {}  # constraints across fields

    def to_internal_value(self, data: Any) -> Any:
        """Refuse fields that do not exist."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            known = ", ".join(self.fields) or "none"
            raise serializers.ValidationError({name: [f"There is no such field. Known: {known}."] for name in unknown})
        return super().to_internal_value(data)


class PostRun(Body):
    """The body of `POST /runs/`."""

    job_type: Annotated[str, Text(100, keeps_blanks=True)]
    input: Object = Field(default_factory=dict)
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    lane: Annotated[str, OneOf(Lane)] | None = Field(
        None,
        description="`batch`: an agent's model calls go into message batches, later and at half the price. "
        "Default: the lane of the job type.",
    )
    scheduled_at: ZonedTime | None = None
    timeout_s: Annotated[float, Field(ge=1, le=7 * 86400)] | None = None
    max_cost_usd: Annotated[Decimal, Usd()] | None = None
    metadata: Object = Field(default_factory=dict)
    webhook_url: Annotated[str, Text(None), described("string", **{"not": {}})] | None = Field(
        None, description="Not built yet: 422."
    )
    continues: Id | None = None
    on_conflict: Annotated[str, OneOf(OnConflict)] = Field(
        LEFT_OUT, description="What to do while another run counts as the same. Default: the job type's policy."
    )

    def request(self) -> RunRequest:
        """Return the request for a run."""
        return RunRequest(**dict(self))


class Message(Body):
    """The body of `messages`."""

    text: Annotated[str, Text(100_000, keeps_blanks=True)]
    end: bool = False


class Fork(Body):
    """The body of `fork`."""

    from_step: Annotated[int, Field(ge=1, le=COUNT_MAX)] = Field(
        description="Inside a turn it goes back to the turn's start."
    )
    input: Object | None = Field(None, description="Needs `from_step` 1.")
