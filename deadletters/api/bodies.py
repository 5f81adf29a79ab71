"""Request bodies about dead letters, their groups and redrives."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from deadletters.redrive.options import (
    CANARY_MAX,
    CONCURRENCY_MAX,
    LETTERS_MAX,
    RATE_MAX_PER_S,
    RATE_MIN_PER_S,
    RedriveOptions,
    Selection,
)
from runs import clock
from runs.api.strict_body import COUNT_MAX, LEFT_OUT, Body, Id, Object, OptionalText, RequiredText, Text, ZonedTime
from runs.errors import InvalidInputError

_DEFAULT = RedriveOptions()
_OPTIONS = {"rate_per_s", "concurrency", "canary", "stop_above_percent"}
_Count = Annotated[int, Field(ge=1, le=COUNT_MAX)]


def _in_future(moment: datetime) -> datetime:
    if moment <= clock.now():
        raise ValueError("This time has passed; give a later one.")
    return moment


_FutureTime = Annotated[ZonedTime, AfterValidator(_in_future)]


class Replay(Body):
    """The body of `replay`: empty continues the run; an input or a step starts a new one."""

    input: Object | None = None
    from_step: _Count | None = None


class Discard(Body):
    """The body of `discard`."""

    note: RequiredText = Field(description="Why nobody needs to act.")


class Note(Body):
    """The body of verbs with an optional note: `done`, `resolve`, `reopen`, `pause`, `abort`."""

    note: OptionalText = ""


class Assign(Note):
    """The body of `assign`."""

    user: Annotated[str, Text(150)] = Field(description="Name of a user of the tenant.")


class Task(Assign):
    """The body of `task`."""

    due_at: _FutureTime = Field(description="When the task is due.")


class Ignore(Note):
    """The body of `ignore`: at least one of `until` and `above_per_hour`."""

    json_schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"required": ["until"], "properties": {"until": {"type": "string"}}},
            {"required": ["above_per_hour"], "properties": {"above_per_hour": {"type": "integer"}}},
        ]
    }
    until: _FutureTime | None = None
    above_per_hour: _Count | None = Field(
        None, description="More dead letters than this within an hour reopen the group."
    )

    @model_validator(mode="after")
    def demand_an_end(self) -> Self:
        """Refuse to ignore something forever. Raises: InvalidInputError."""
        if self.until is None and self.above_per_hour is None:
            raise InvalidInputError({"until": ["Give a time, or `above_per_hour`: nothing is ignored for ever."]})
        return self


class Plan(Body):
    """The body of `POST /redrives/`: which dead letters, and how. Only `ids` can name closed ones."""

    fingerprint: Annotated[str, Text(64)] = LEFT_OUT
    job_type: Annotated[str, Text(100)] = LEFT_OUT
    error_class: Annotated[str, Text(200)] = LEFT_OUT
    failed_after: ZonedTime | None = None
    failed_before: ZonedTime | None = None
    ids: Annotated[list[Id], Field(min_length=1, max_length=LETTERS_MAX)] = LEFT_OUT
    rate_per_s: Annotated[float, Field(ge=RATE_MIN_PER_S, le=RATE_MAX_PER_S)] = _DEFAULT.rate_per_s
    concurrency: Annotated[int, Field(ge=1, le=CONCURRENCY_MAX)] = _DEFAULT.concurrency
    canary: Annotated[int, Field(ge=1, le=CANARY_MAX)] = _DEFAULT.canary
    stop_above_percent: Annotated[int, Field(ge=0, le=100)] = _DEFAULT.stop_above_percent

    @property
    def selection(self) -> Selection:
        """Return which dead letters to send."""
        given = self.model_dump(exclude=_OPTIONS, exclude_none=True)
        return Selection(**given | {"ids": tuple(given.get("ids", ()))})

    @property
    def options(self) -> RedriveOptions:
        """Return how to send them."""
        return RedriveOptions(**self.model_dump(include=_OPTIONS))
