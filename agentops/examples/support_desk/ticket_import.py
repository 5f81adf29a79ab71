"""The steps of a ticket import: check the rows, store them in blocks, count. Each may be done again."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from agentops.examples.support_desk.models import Account, Ticket, TicketStatus

Row = dict[str, Any]


def check_rows(rows: Sequence[Row]) -> dict[str, Any]:
    """Sort the rows into those that can be stored and those that cannot.

    Shape: `{"good": [positions], "refused": [{"row": position, "problem": text}]}`, positions from 0.
    """
    known = set(Account.objects.values_list("number", flat=True))
    good = [position for position, row in enumerate(rows) if row["account"] in known]
    refused = [
        {"row": position, "problem": f"There is no account {row['account']}."}
        for position, row in enumerate(rows)
        if row["account"] not in known
    ]
    return {"good": good, "refused": refused}


def store_rows(rows: Sequence[Row], positions: Sequence[int], *, import_id: str) -> int:
    """Store some rows as open tickets, none of them twice; return how many there are now."""
    accounts = Account.objects.in_bulk([rows[position]["account"] for position in positions], field_name="number")
    for position in positions:
        row = rows[position]
        Ticket.objects.get_or_create(
            import_key=f"{import_id}-{position}",
            defaults={
                "account": accounts[row["account"]],
                "subject": row["subject"],
                "body": row.get("body", ""),
                "opened_at": timezone.now(),
            },
        )
    return len(positions)


def count_open_tickets() -> int:
    """Count the tickets that somebody waits for."""
    return Ticket.objects.filter(status=TicketStatus.OPEN).count()
