"""Faults that a script injects, and the count of how often each has happened. Serving them is elsewhere."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError, ValidationError

from agentops.offline.jsontext import JsonObject
from agentops.offline.shapes import Exact

FOR_EVER = -1

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]

# What each kind may say besides `kind`, `times` and `for_s`.
KINDS = {
    "rate_limited": {"retry_after_s", "retry_after_date_s", "error_code", "message", "answer_after_s"},
    "overloaded": {"message"},
    "server_error": {"message"},
    "status": {"status", "error_type", "message", "error_code", "retry_after_s"},
    "spend_limit_400": {"message"},
    "sse_error": {"message"},
    "hang": {"seconds", "after"},
    "cut": {"after_events", "reset"},
    "truncate": {"after_events"},
    "drip": {"seconds_per_byte"},
    "refused_before_response": set(),
    "body": {"body", "status", "content_type", "encoding"},
    "plain": set(),
    "mangle": {"drop", "repeat", "swap"},
    "usage": {"usage", "absent"},
    "batch_expired": set(),
    "batch_result": {"result"},
    "batch_refused": set(),
    "batch_lost": set(),
    "batch_not_made": set(),
}

# These are answered before the model starts, so they cost nothing and cache nothing.
REJECTIONS = frozenset({"rate_limited", "overloaded", "server_error", "status", "spend_limit_400"})

# `OF_CREATING` hit the making of a batch, `IN_BATCHES` one of its requests, `ALONE` a request of its own.
OF_CREATING = frozenset({"batch_refused", "batch_lost", "batch_not_made"})
OF_RESULTS = frozenset({"batch_expired", "batch_result"})
IN_BATCHES = REJECTIONS | OF_RESULTS | {"usage"}
ALONE = frozenset(KINDS) - OF_CREATING - OF_RESULTS


class Fault(Exact):
    """One injected fault; `KINDS` says which options go with which kind."""

    kind: str
    times: int = Field(default=1, ge=FOR_EVER)  # how many requests it hits
    for_s: Seconds | None = None  # from the first request that it hit, of whatever conversation
    status: Count | None = None
    error_type: str | None = None
    error_code: str | None = None
    message: str | None = None
    retry_after_s: Seconds | None = None
    retry_after_date_s: Seconds | None = None
    answer_after_s: Seconds | None = None
    seconds: Seconds = 30.0
    after: Literal["nothing", "headers", "message_start"] = "nothing"
    after_events: Count = 3
    reset: bool = False
    seconds_per_byte: Seconds = 0.001
    body: str = ""
    content_type: str = "application/json"
    encoding: str = "utf-8"
    drop: list[int] = []
    repeat: list[int] = []
    swap: list[int] = []
    usage: Any = None
    absent: bool = False
    result: JsonObject = {}

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        """Let an option that is null have its default."""
        if not isinstance(value, Mapping):
            return value
        options = KINDS.get(str(value.get("kind")), set())
        return {name: given for name, given in value.items() if given is not None or name not in options}

    @model_validator(mode="after")
    def _of_its_kind(self) -> "Fault":
        if self.kind not in KINDS:
            _refuse("kind", f"should be one of {', '.join(KINDS)}", self.kind)
        for option in sorted(self.model_fields_set - KINDS[self.kind] - {"kind", "times", "for_s"}):
            _refuse(option, f"{self.kind} has no such option", getattr(self, option))
        return self


def _refuse(field: str, problem: str, value: Any) -> None:
    why = PydanticCustomError("fault", "{problem}", {"problem": problem})
    raise ValidationError.from_exception_data("Fault", [{"type": why, "loc": (field,), "input": value}])


class FaultCounter:
    """Hand out the faults of a turn in their order, each as often as it says."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[object, ...]] = Counter()
        self._began: dict[int, float] = {}

    def next_fault(
        self, faults: list[Fault], *, key: tuple[object, ...], at: float, kinds: frozenset[str]
    ) -> Fault | None:
        """Take the first fault of these kinds that is neither over nor used up under this key, and count it."""
        for position, fault in enumerate(faults):
            counted = (*key, position)
            if fault.kind not in kinds or self._is_over(fault, at):
                continue
            if fault.times == FOR_EVER or self._seen[counted] < fault.times:
                self._seen[counted] += 1
                return fault
        return None

    def _is_over(self, fault: Fault, at: float) -> bool:
        if fault.for_s is None:
            return False
        return at >= self._began.setdefault(id(fault), at) + fault.for_s
