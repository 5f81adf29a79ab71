"""The rate limit headers of a provider's answer: what it allows, and what remains of that."""

from collections.abc import Mapping

from runs.engine.pacing.bucket import Three
from runs.engine.pacing.keeper import Heard

PREFIX = "anthropic-ratelimit-"
_KINDS = ("requests", "input-tokens", "output-tokens")  # in the order of the buckets


def limits_in(headers: Mapping[str, str]) -> dict[str, str]:
    """Pick the rate limit headers out of all."""
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith(PREFIX)}


def heard(limits: Mapping[str, str], *, age_s: float) -> Heard:
    """Read them. Units: `age_s` is how long ago they came."""
    return Heard(told=_three(limits, "limit", least=1), remaining=_three(limits, "remaining", least=0), age_s=age_s)


def _three(limits: Mapping[str, str], word: str, *, least: int) -> Three:
    requests, inputs, outputs = (_number(limits.get(f"{PREFIX}{kind}-{word}", ""), least) for kind in _KINDS)
    return requests, inputs, outputs


def _number(text: str, least: int) -> float | None:
    return float(text) if text.isdecimal() and int(text) >= least else None
