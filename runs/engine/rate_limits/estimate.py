"""What a model call will use, estimated before it is sent; the real usage is settled afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runs.engine.transcript import Message
from runs.models import Step
from runs.models.fields import dump_json
from runs.states import StepKind, StepStatus

_CHARS_PER_TOKEN = 3  # rather few, though not a worst case as the reserve: too much is given back
_OUTPUT_TOKENS = 1000  # of a first answer
_NEWEST = 2  # messages since the last request: its answer, and the results of what that asked for
_TTL_S = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, slots=True)
class Estimate:
    """One request, and the tokens that count. Reads from the cache do not."""

    input_tokens: int
    output_tokens: int

    @property
    def amounts(self) -> tuple[float, float, float]:
        """In the order of the buckets."""
        return 1.0, float(self.input_tokens), float(self.output_tokens)


def estimate_of(
    body: str, messages: Sequence[Message], steps: Sequence[Step], *, max_tokens: int, cache_ttl: str, now: datetime
) -> Estimate:
    """Estimate a request: all of it, or only what is new if the last one is still in the provider's cache."""
    last = _last_answer(steps)
    text_chars = len(body)
    if last and _is_cached(last, _TTL_S.get(cache_ttl, 0.0), now):
        text_chars = min(text_chars, len(dump_json(list(messages[-_NEWEST:]))))
    output = min(max_tokens, last.output_tokens if last else _OUTPUT_TOKENS)
    return Estimate(input_tokens=text_chars // _CHARS_PER_TOKEN + 1, output_tokens=output)


def _last_answer(steps: Sequence[Step]) -> Step | None:
    answered = (s for s in reversed(steps) if s.kind == StepKind.MODEL_CALL and s.status == StepStatus.COMPLETED)
    return next(answered, None)


def _is_cached(last: Step, ttl_s: float, now: datetime) -> bool:
    """Say whether the last request was cached, and its time is not over: it runs from the start of the request."""
    was_cached = last.cache_read_tokens + last.cache_write_tokens > 0
    return was_cached and last.started_at is not None and now < last.started_at + timedelta(seconds=ttl_s)
