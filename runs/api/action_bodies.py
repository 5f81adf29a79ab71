"""Request bodies about pending actions and approval rules."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from runs.api.strict_body import (
    LEFT_OUT,
    AnyJson,
    Body,
    Id,
    Object,
    OneOf,
    OptionalText,
    RequiredText,
    Text,
    Usd,
    ZonedTime,
)
from runs.errors import InvalidInputError
from runs.models import ApprovalRule
from runs.operations.actions.bulk import BULK_MAX, VERBS
from runs.operations.actions.rules import USES_MAX

_Hash = Annotated[str, Text(64, may_be_blank=True)]
_AboveZero = Annotated[Decimal, Usd(above_zero=True)]


class Approve(Body):
    """The body of `approve`."""

    arguments: Object | None = None
    note: OptionalText = Field("", description="Needed for a call of high risk.")
    seen: _Hash = Field("", description="The `bound_hash` that the person saw: 409 if the call was edited since.")


class Reject(Body):
    """The body of `reject`."""

    note: RequiredText = Field(description="Shown to the model.")


class Resolve(Body):
    """The body of `resolve`."""

    outcome: Literal["happened", "did_not_happen"]
    result: AnyJson = None
    note: OptionalText = ""


class Raise(Body):
    """The body of `raise`: one of the two amounts."""

    json_schema: ClassVar[dict[str, Any]] = {"oneOf": [{"required": ["max_cost_usd"]}, {"required": ["raise_usd"]}]}
    max_cost_usd: _AboveZero = Field(LEFT_OUT, description="The new ceiling of the run.")
    raise_usd: _AboveZero = Field(LEFT_OUT, description="Extra amount for the budget, for this day or month.")
    note: OptionalText = ""

    @model_validator(mode="after")
    def demand_one(self) -> Self:
        """Require exactly one amount. Raises: InvalidInputError."""
        if len(self.model_fields_set & {"max_cost_usd", "raise_usd"}) != 1:
            said = "Give this for the ceiling of the run, or raise_usd for a budget: one of the two."
            raise InvalidInputError({"max_cost_usd": [said]})
        return self


class Words(Body):
    """The body of `ask` and `reply`."""

    text: RequiredText


class Reassign(Body):
    """The body of `reassign`."""

    to: Annotated[str, Text(150)] = Field(description="The name of a user who may decide it.")


class Escalate(Body):
    """The body of `escalate`."""

    note: OptionalText = ""


class Bulk(Body):
    """The body of `bulk`."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=BULK_MAX)]
    verb: Annotated[str, OneOf(VERBS)]
    note: OptionalText = ""
    dry_run: bool = Field(False, description="Only say what would be done.")
    seen: Annotated[dict[str, _Hash], Field(min_length=1)] | None = Field(
        None, description="By id, the `bound_hash` of each action as shown: calls edited since are not approved."
    )

    @model_validator(mode="after")
    def demand_all_seen(self) -> Self:
        """Require a `bound_hash` for each of the ids, or for none. Raises: InvalidInputError."""
        if self.seen is not None and set(self.seen) != {str(pk) for pk in self.ids}:
            raise InvalidInputError({"seen": ["Give the bound_hash of each of the ids, and no other."]})
        return self

    @property
    def seen_by_id(self) -> dict[UUID, str] | None:
        """Return `seen` by UUID."""
        return None if self.seen is None else {UUID(pk): seen for pk, seen in self.seen.items()}


class GrantRule(Body):
    """The body of `POST /approval-rules/`."""

    tool: Annotated[str, Text(200)]
    reason: RequiredText
    expires_at: ZonedTime
    max_uses: Annotated[int, Field(ge=1, le=USES_MAX)]
    job_type: Annotated[str, Text(100, may_be_blank=True)] = ""
    arguments: Object = Field(default_factory=dict, description="Arguments that must match exactly.")
    max_usd: _AboveZero | None = None
    max_total_usd: _AboveZero | None = None

    def rule(self) -> ApprovalRule:
        """Return the rule that is asked for."""
        return ApprovalRule(**dict(self))
