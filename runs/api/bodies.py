"""Request bodies about runs."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from runs.api.strict_body import COUNT_MAX, LEFT_OUT, Body, Id, Object, OneOf, Text, Usd, ZonedTime, described
from runs.states import Lane, OnConflict


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
