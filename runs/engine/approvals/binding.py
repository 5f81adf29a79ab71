"""What an approval is bound to: the tool as it is declared, and the very arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from runs.declarations.tools import Tool
from runs.models.fields import hash_of
from runs.states import Risk


@dataclass(frozen=True, slots=True)
class Binding:
    """One call as it is shown to a person: its hashes, how bad it may be, and what it moves."""

    bound_hash: str
    arguments_hash: str
    risk: Risk
    amount_usd: Decimal | None


def bind(tool: Tool, arguments: dict[str, Any], *, check: Callable[[], None] | None = None) -> Binding:
    """Bind a call. The same arguments of a tool that was declared anew are another call.

    `check` raises when the work must not go on, should the risk take time.
    Shape: `arguments` as the model wrote them, so that the hash is that of the step.
    """
    declared = {**tool.definition, "effect": tool.effect}
    return Binding(
        bound_hash=hash_of([declared, arguments]),
        arguments_hash=hash_of(arguments),
        risk=tool.risk_of(arguments, check),
        amount_usd=amount_of(tool, arguments),
    )


def amount_of(tool: Tool, arguments: dict[str, Any]) -> Decimal | None:
    """Read what a call moves, in USD, from the argument that the tool names; None if it names none.

    An amount that cannot be read counts as endless, so that the strictest terms hold.
    """
    if tool.amount is None:
        return None
    try:
        amount = abs(Decimal(str(arguments.get(tool.amount))))
    except InvalidOperation:
        return _ENDLESS
    return min(amount, _ENDLESS) if amount.is_finite() else _ENDLESS


_ENDLESS = Decimal("999999.99999999")  # the most that the column holds
