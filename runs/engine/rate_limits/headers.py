"""The rate limit headers of a provider's answer, and how they lower a bucket."""

from collections.abc import Mapping
from dataclasses import dataclass

from runs.engine.rate_limits.bucket import Bucket, Quota, Three

PREFIX = "anthropic-ratelimit-"
_KINDS = ("requests", "input-tokens", "output-tokens")  # in the order of the buckets
_UNKNOWN: Three = (None, None, None)


@dataclass(frozen=True, slots=True)
class ProviderHeaders:
    """What the headers said `age_s` seconds ago. Units: `limits` a minute; `remaining` of them."""

    limits: Three = _UNKNOWN
    remaining: Three = _UNKNOWN
    age_s: float = 0.0


def rate_limit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Pick the rate limit headers out of all."""
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith(PREFIX)}


def parse_headers(headers: Mapping[str, str], *, age_s: float) -> ProviderHeaders:
    """Read them. Units: `age_s` is how long ago they came."""
    limits, remaining = _three(headers, "limit", least=1), _three(headers, "remaining", least=0)
    return ProviderHeaders(limits, remaining, age_s)


def apply_headers(bucket: Bucket, quota: Quota, headers: ProviderHeaders) -> None:
    """Lower a bucket to what the provider said, and never raise it above the quota."""
    if any(limit is not None for limit in headers.limits):
        bucket.provider_limits, bucket.provider_limits_at = list(headers.limits), bucket.at
    for i, (rest, rate) in enumerate(zip(headers.remaining, bucket.per_second(quota), strict=True)):
        if rest is not None and rate is not None:
            bucket.left[i] = min(bucket.left[i], rest + rate * headers.age_s)


def _three(headers: Mapping[str, str], word: str, *, least: int) -> Three:
    requests, inputs, outputs = (_number(headers.get(f"{PREFIX}{kind}-{word}", ""), least) for kind in _KINDS)
    return requests, inputs, outputs


def _number(text: str, least: int) -> float | None:
    return float(text) if text.isdecimal() and int(text) >= least else None
