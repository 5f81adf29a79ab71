"""Faults that a script injects, and the count of how often each has happened. Serving them is elsewhere."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from agentops.offline.jsontext import JsonObject

FOR_EVER = -1

# What each kind may say besides `kind`, `times` and `for_s`, with the default.
KINDS: dict[str, JsonObject] = {
    "rate_limited": {
        "retry_after_s": None,
        "retry_after_date_s": None,
        "error_code": None,
        "message": None,
        "answer_after_s": None,
    },
    "overloaded": {"message": None},
    "server_error": {"message": None},
    "status": {
        "status": 500,
        "error_type": "api_error",
        "message": None,
        "error_code": None,
        "retry_after_s": None,
    },
    "spend_limit_400": {"message": None},
    "sse_error": {"message": None},
    "hang": {"seconds": 30, "after": "nothing"},
    "cut": {"after_events": 3, "reset": False},
    "truncate": {"after_events": 3},
    "drip": {"seconds_per_byte": 0.001},
    "refused_before_response": {},
    "body": {"body": "", "status": 200, "content_type": "application/json", "encoding": "utf-8"},
    "plain": {},
    "mangle": {"drop": [], "repeat": [], "swap": []},
    "usage": {"usage": None, "absent": False},
    "batch_expired": {},
    "batch_result": {"result": {}},
    "batch_refused": {},
    "batch_lost": {},
    "batch_not_made": {},
}

# These are answered before the model starts, so they cost nothing and cache nothing.
REJECTIONS = frozenset({"rate_limited", "overloaded", "server_error", "status", "spend_limit_400"})

# Faults of batches: `OF_CREATING` hit the creation, `IN_BATCHES` one request, and `OF_BATCHES` happen nowhere else.
OF_CREATING = ("batch_refused", "batch_lost", "batch_not_made")
LOST = ("batch_not_made", "batch_lost")  # no answer comes: the batch was not made, or it was
OF_BATCHES = frozenset({"batch_expired", "batch_result", *OF_CREATING})
IN_BATCHES = REJECTIONS | {"batch_expired", "batch_result", "usage"}  # what may happen to a request in a batch

HANG_AFTER = ("nothing", "headers", "message_start")


@dataclass(frozen=True)
class Fault:
    """One injected fault: its kind, how many requests it hits (-1: all of them), for how long, and its options."""

    kind: str
    times: int
    options: JsonObject
    for_s: float | None = None  # seconds from the first request that it hit, of whatever conversation

    @property
    def is_rejection(self) -> bool:
        """Tell whether the answer is an error status and nothing else."""
        return self.kind in REJECTIONS

    def __getitem__(self, option: str) -> Any:
        return self.options[option]


class FaultCounter:
    """Hand out the faults of a turn in their order, each as often as it says."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[object, ...]] = Counter()
        self._began: dict[int, float] = {}

    def next_fault(
        self, faults: tuple[Fault, ...], *, key: tuple[object, ...], at: float, kinds: frozenset[str] = frozenset(KINDS)
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
