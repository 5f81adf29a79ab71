"""The ledger: what an answer has used and cost, written into its row."""

from typing import Any

from runs.engine.tariff import Tariff, used
from runs.models import ModelCall, ModelCallStatus, Tier


def settle_call(call: ModelCall, message: dict[str, Any], tariff: Tariff) -> dict[str, int]:
    """Write an answer's usage, cost and savings, at the rates of the call's tier; return its tokens by column."""
    usage = used(message.get("usage") or {})
    charge = tariff.charge(usage, batch=call.tier == Tier.BATCH)
    call.status, call.stop_reason = ModelCallStatus.SETTLED, message["stop_reason"]
    call.cost_usd, call.web_searches = charge.cost_usd, usage.web_searches
    call.saved_by_cache_usd, call.saved_by_batch_usd = charge.saved_by_cache_usd, charge.saved_by_batch_usd
    for name, tokens in usage.tokens.items():
        setattr(call, name, tokens)
    return dict(usage.tokens)
