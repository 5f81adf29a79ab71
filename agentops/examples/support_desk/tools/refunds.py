"""The tool that pays money back."""

from decimal import Decimal
from typing import Any

from django.db import transaction

from agentops.examples.support_desk.context import Context
from agentops.examples.support_desk.lookups import invoice_numbered, usd
from agentops.examples.support_desk.models import Refund
from runs.registry import ToolError, tool

REASON_MAX_CHARS = 500
CENT = Decimal("0.01")
NO_AMOUNT = Decimal(10) ** 12  # beyond this, cents get lost in the arithmetic


SMALL_USD = 20.0


def _risk(arguments: dict[str, Any]) -> str:
    return "low" if 0 < arguments["amount_usd"] < SMALL_USD else "medium"


@tool(effect="unsafe", approval="always", risk=_risk, amount="amount_usd", timeout_s=30)
def issue_refund(context: Context, invoice: str, amount_usd: float, reason: str) -> str:
    """Pay back part or all of a paid invoice. A person approves each call, so state the facts in `reason`.

    `invoice` is the invoice number, such as "1007". `amount_usd` is at most what is left of the invoice after
    earlier refunds: look the invoice up first. `reason` is one sentence, at most 500 characters.
    """
    amount = Decimal(str(amount_usd))
    if not amount.is_finite() or not 0 < amount < NO_AMOUNT or amount != amount.quantize(CENT):
        raise ToolError(f"{amount_usd} is not an amount; give dollars and whole cents above 0.")
    if len(reason) > REASON_MAX_CHARS:
        raise ToolError(f"The reason has {len(reason)} characters; give at most {REASON_MAX_CHARS}.")
    with transaction.atomic():
        row = invoice_numbered(invoice, lock=True)
        left = row.amount_usd - row.refunded_usd
        if not row.paid:
            raise ToolError(f"Invoice {row.number} was never paid, so there is nothing to refund.")
        if amount > left:
            raise ToolError(f"Invoice {row.number} has {usd(left)} left to refund, not {usd(amount)}.")
        row.refunded_usd += amount
        row.save(update_fields=["refunded_usd"])
        Refund.objects.create(invoice=row, amount_usd=amount, reason=reason, effect_key=context.effect_key)
    return f"{usd(amount)} of invoice {row.number} were refunded to {row.account.name}."
