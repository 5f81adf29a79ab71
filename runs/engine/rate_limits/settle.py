"""Settling a permit: what the call did not use goes back, and what the provider's headers say is applied."""

import logging

import anthropic
from django.db import DatabaseError, transaction

from runs import clock
from runs.engine.classifier import may_have_spent
from runs.engine.rate_limits import bucket
from runs.engine.rate_limits.active import ActiveLimit
from runs.engine.rate_limits.headers import ProviderHeaders, apply_headers, parse_headers, rate_limit_headers
from runs.engine.rate_limits.permits import Permit, locked_buckets
from runs.engine.tariff import used_by
from runs.models import EVERY_MODEL

log = logging.getLogger(__name__)


def settle_permit(permit: Permit, error: BaseException | None) -> None:
    """Correct a permit by what the call has really used. If that fails, the buckets refill all the same."""
    if not permit.is_taken:
        return
    unused, headers = _unused(permit, error), _headers_of(permit, error)
    narrowest = max(permit.limits, key=_narrowness)
    try:
        with transaction.atomic(), locked_buckets(permit.limits) as buckets:
            for limit, one in buckets:
                bucket.give_back(one, limit.quota, unused)
                if limit == narrowest:
                    apply_headers(one, limit.quota, headers)
    except DatabaseError:
        log.exception("a permit could not be settled")


def _narrowness(limit: ActiveLimit) -> int:
    """Order limits by how few models they cover: the provider's headers speak of one class of models."""
    return 0 if limit.model_class == EVERY_MODEL else len(limit.model_class)


def _unused(permit: Permit, error: BaseException | None) -> tuple[float, float, float]:
    """Return what was taken too much; negative: too little."""
    requests, inputs, outputs = permit.estimate.amounts
    if not permit.sent:
        return requests, inputs, outputs
    if permit.message is None:
        was_refused = isinstance(error, Exception) and not may_have_spent(error)
        return (0.0, inputs, outputs) if was_refused else (0.0, 0.0, 0.0)
    real = used_by(permit.message)
    if real is None:
        return 0.0, 0.0, 0.0
    return 0.0, inputs - real.input_tokens - real.cache_write_tokens, outputs - real.output_tokens


def _headers_of(permit: Permit, error: BaseException | None) -> ProviderHeaders:
    if isinstance(error, anthropic.APIStatusError) and not permit.headers:
        return parse_headers(rate_limit_headers(error.response.headers), age_s=0.0)
    return parse_headers(permit.headers, age_s=clock.monotonic() - permit.headers_at)
