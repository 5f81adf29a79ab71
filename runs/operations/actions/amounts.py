"""Amounts of money as people and clients write them."""

import re
from decimal import Decimal
from typing import Any

from runs.errors import InvalidInputError

_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,8})?", re.ASCII)


def plain_amount(arguments: dict[str, Any], name: str) -> str:
    """Read an amount of the arguments. Raises: InvalidInputError unless it is a plain one that the column holds."""
    text = str(arguments.get(name, ""))
    if not _AMOUNT.fullmatch(text) or Decimal(text) == 0:
        said = "give USD above 0 as a plain decimal, at most 6 digits before the point and 8 after"
        raise InvalidInputError({f"arguments.{name}": [said]})
    return text
