"""Tools that only look: accounts, invoices, tickets and notes."""

from decimal import Decimal
from typing import Any

from agentops.examples.support_desk.context import Context
from agentops.examples.support_desk.lookups import account_numbered, invoice_numbered, usd
from agentops.examples.support_desk.models import Invoice, TicketStatus
from runs.registry import ToolError, tool

TICKETS_MAX = 20
NOTES_MAX = 10


@tool(effect="read", timeout_s=10)
def account_profile(context: Context, account: str) -> dict[str, Any]:
    """Read who an account is: name, plan, monthly price, renewal date and stage, contact address.

    `account` is the account number, such as "184". `summary` says the same in one sentence.
    """
    row = account_numbered(account)
    return {
        "number": row.number,
        "name": row.name,
        "plan": row.plan,
        "monthly_usd": float(row.monthly_usd),
        "renewal_date": row.renewal_date,
        "renewal_stage": row.renewal_stage,
        "contact_email": row.contact_email,
        "summary": f"{row.name} (account {row.number}) is on the {row.plan} plan at {usd(row.monthly_usd)} a month "
        f"and renews on {row.renewal_date}.",
    }


@tool(effect="read", timeout_s=10)
def fetch_invoices(context: Context, account: str, unpaid_only: bool = False) -> dict[str, Any]:
    """Read the invoices of an account, oldest first, with their total and what is unpaid.

    `account` is the account number, such as "184".
    """
    row = account_numbered(account)
    invoices = list(row.invoices.filter(paid=False) if unpaid_only else row.invoices.all())
    total = sum((invoice.amount_usd for invoice in invoices), Decimal(0))
    unpaid = sum((invoice.amount_usd for invoice in invoices if not invoice.paid), Decimal(0))
    return {
        "account": row.number,
        "count": len(invoices),
        "total_usd": float(total),
        "unpaid_usd": float(unpaid),
        "invoices": [_invoice(invoice) for invoice in invoices],
        "summary": f"{len(invoices)} invoices over {usd(total)}, of which {usd(unpaid)} unpaid.",
    }


@tool(effect="read", timeout_s=10)
def find_invoice(context: Context, invoice: str) -> dict[str, Any]:
    """Read one invoice by its number, such as "1007": account, amount, what was refunded, and whether it is paid."""
    row = invoice_numbered(invoice)
    state = "paid" if row.paid else "not paid"
    return {
        **_invoice(row),
        "account": row.account.number,
        "account_name": row.account.name,
        "summary": f"Invoice {row.number} of {row.account.name} is over {usd(row.amount_usd)}, issued on "
        f"{row.issued_on} and {state}; {usd(row.refunded_usd)} of it were refunded.",
    }


@tool(effect="read", timeout_s=10)
def last_tickets(context: Context, account: str, limit: int = 5) -> dict[str, Any]:
    """Read the latest support tickets of an account, newest first.

    `account` is the account number, such as "184"; `limit` is 1 to 20.
    """
    if not 1 <= limit <= TICKETS_MAX:
        raise ToolError(f"limit is {limit}; give 1 to {TICKETS_MAX}.")
    tickets = list(account_numbered(account).tickets.all()[:limit])
    waiting = sum(ticket.status == TicketStatus.OPEN for ticket in tickets)
    latest = f" The latest is “{tickets[0].subject}”." if tickets else ""
    return {
        "count": len(tickets),
        "open": waiting,
        "tickets": [
            {"subject": t.subject, "body": t.body, "status": t.status, "opened_at": t.opened_at} for t in tickets
        ],
        "summary": f"{len(tickets)} recent tickets, {waiting} of them open.{latest}",
    }


@tool(effect="read", timeout_s=10)
def search_notes(context: Context, account: str, text: str = "") -> dict[str, Any]:
    """Search what colleagues noted about an account, newest first, at most 10 notes.

    `account` is the account number; `text` narrows the search to notes that contain it, empty means all.
    """
    notes = list(account_numbered(account).notes.filter(text__icontains=text)[:NOTES_MAX])
    found = [{"kind": note.kind, "text": note.text, "created_at": note.created_at} for note in notes]
    return {"count": len(found), "notes": found}


def _invoice(row: Invoice) -> dict[str, Any]:
    return {
        "number": row.number,
        "amount_usd": float(row.amount_usd),
        "refunded_usd": float(row.refunded_usd),
        "issued_on": row.issued_on,
        "paid": row.paid,
    }
