"""Rows by the numbers people write. Errors are worded for the model, which reads them."""

import re
from decimal import Decimal

from agentops.examples.support_desk.models import Account, Invoice
from runs.registry import ToolError

NUMBER = re.compile(r"\d{1,9}")


def account_numbered(text: str) -> Account:
    """Find an account by what a person wrote: `184`, `#184` or `account 184`.

    Raises: ToolError when there is no such account, or not exactly one number.
    """
    number = _only_number(text, "account")
    try:
        return Account.objects.get(number=number)
    except Account.DoesNotExist:
        raise ToolError(f"There is no account {number}.") from None


def invoice_numbered(text: str, *, lock: bool = False) -> Invoice:
    """Find an invoice by what a person wrote; with `lock`, nobody else changes it until the transaction ends.

    Raises: ToolError when there is no such invoice, or not exactly one number.
    """
    number = _only_number(text, "invoice")
    invoices = Invoice.objects.select_related("account")
    if lock:
        invoices = invoices.select_for_update(of=("self",))
    try:
        return invoices.get(number=number)
    except Invoice.DoesNotExist:
        raise ToolError(f"There is no invoice {number}.") from None


def usd(amount: Decimal) -> str:
    """Write an amount for people."""
    return f"{amount:,.2f} USD"


def _only_number(text: str, what: str) -> int:
    found = NUMBER.findall(text)
    if len(found) != 1:
        raise ToolError(f"{text[:50]!r} does not name one {what}. Give its number alone, such as 184.")
    return int(found[0])
