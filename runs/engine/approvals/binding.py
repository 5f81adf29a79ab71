"""What an approval is bound to: the declaration of the tool, and the exact arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from runs.declarations.tools import Tool
from runs.models.fields import hash_of
from runs.states import Risk


@dataclass(frozen=True, slots=True)
class Binding:
    """One call as a person sees it: its hashes, its risk, and the amount it moves."""

    bound_hash: str
    arguments_hash: str
    risk: Risk
    amount_usd: Decimal | None


def bind(tool: Tool, arguments: dict[str, Any], *, check: Callable[[], None] | None = None) -> Binding:
    """Bind a call. If the declaration of its tool changes, the same arguments are a different call.

    `check` raises when the work must stop, in case computing the risk takes long.
    Shape: `arguments` as the model wrote them, so that the hash equals the step's.
    """
    declared = {**tool.definition, "effect": tool.effect}
    return Binding(
        bound_hash=hash_of([declared, arguments]),
        arguments_hash=hash_of(arguments),
        risk=tool.risk_of(arguments, check),
        amount_usd=amount_of(tool, arguments),
    )


def amount_of(tool: Tool, arguments: dict[str, Any]) -> Decimal | None:
    """Read the amount that a call moves, in USD, from the argument that the tool names; None if it names no argument.

    An unreadable amount counts as infinite, so that the strictest requirements apply.
    """
    if tool.amount is None:
        return None
    try:
        amount = abs(Decimal(str(arguments.get(tool.amount))))
    except InvalidOperation:
        return _ENDLESS
    return min(amount, _ENDLESS) if amount.is_finite() else _ENDLESS


_ENDLESS = Decimal("999999.99999999")  # the most that the column holds
