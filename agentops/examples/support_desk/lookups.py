"""Rows by the numbers people write. Errors are worded for the model, which reads them."""

import re
from decimal import Decimal
from typing import TypeVar

from django.db.models import Model, QuerySet

from agentops.examples.support_desk.models import Account, Invoice
from runs.registry import ToolError

NUMBER = re.compile(r"\d{1,9}")
Row = TypeVar("Row", bound=Model)


def account_numbered(text: str) -> Account:
    """Find an account by what a person wrote: `184`, `#184` or `account 184`.

    Raises: ToolError when there is no such account, or not exactly one number.
    """
    return _numbered(Account.objects.all(), text, "account")


def invoice_numbered(text: str, *, lock: bool = False) -> Invoice:
    """Find an invoice by what a person wrote; with `lock`, nobody else changes it until the transaction ends.

    Raises: ToolError when there is no such invoice, or not exactly one number.
    """
    invoices = Invoice.objects.select_related("account")
    return _numbered(invoices.select_for_update(of=("self",)) if lock else invoices, text, "invoice")


def _numbered(rows: QuerySet[Row], text: str, what: str) -> Row:
    found = NUMBER.findall(text)
    if len(found) != 1:
        raise ToolError(f"{text[:50]!r} does not name one {what}. Give its number alone, such as 184.")
    row = rows.filter(number=found[0]).first()
    if row is None:
        raise ToolError(f"There is no {what} {int(found[0])}.")
    return row


def usd(amount: Decimal) -> str:
    """Write an amount for people."""
    return f"{amount:,.2f} USD"
