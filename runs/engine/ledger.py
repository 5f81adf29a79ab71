"""The ledger: write what an answer has used and cost into its row."""

from typing import Any

from runs.engine.tariff import Tariff, used_by
from runs.models import ModelCall, ModelCallStatus, Tier
from runs.storable import storable_id

USAGE_UNKNOWN = "UsageUnknown"
_STOP_REASON_MAX = 64


def settle_charge(call: ModelCall, message: dict[str, Any], tariff: Tariff) -> dict[str, int]:
    """Write an answer's usage, cost and savings, at the rates of the call's tier; return its tokens by column.

    If the usage is missing or not credible, the reserve counts as spent: budgets must hold behind any gateway.
    """
    call.message_id = storable_id(message["id"])
    call.stop_reason = storable_id(message["stop_reason"], _STOP_REASON_MAX)
    usage = used_by(message)
    if usage is None:
        call.error_type = USAGE_UNKNOWN
        return presume(call)
    charge = tariff.charge(usage, batch=call.tier == Tier.BATCH)
    call.status = ModelCallStatus.SETTLED
    call.cost_usd, call.web_searches = charge.cost_usd, usage.web_searches
    call.saved_by_cache_usd, call.saved_by_batch_usd = charge.saved_by_cache_usd, charge.saved_by_batch_usd
    for name, tokens in usage.tokens.items():
        setattr(call, name, tokens)
    return dict(usage.tokens)


def presume(call: ModelCall) -> dict[str, int]:
    """Count the reserve of a call as spent, for want of better; return its tokens by column, all zero."""
    call.status, call.cost_usd = ModelCallStatus.PRESUMED, call.reserved_usd
    return {}
