"""The desk's first rows. They are the same on every machine, so that examples and tests can name them."""

from datetime import UTC, date, datetime
from decimal import Decimal

from django.db import transaction

from agentops.examples.support_desk.models import (
    Account,
    CrmNote,
    Invoice,
    OutboxMail,
    Refund,
    RenewalStage,
    Ticket,
    TicketStatus,
)

ACCOUNT_FIELDS = ("name", "plan", "monthly_usd", "renewal_date", "contact_email")  # behind the number
ACCOUNTS = (
    (184, "Northwind Traders", "Business", "480.00", date(2027, 1, 15), "maria.keller@northwind.example"),
    (207, "Bluebird Books", "Starter", "129.00", date(2027, 3, 1), "sam@bluebird.example"),
    (311, "Harbor Logistics", "Enterprise", "2400.00", date(2026, 12, 31), "ops@harbor.example"),
    (358, "Juniper Dental", "Starter", "129.00", date(2027, 5, 20), "office@juniper.example"),
    (402, "Kestrel Robotics", "Business", "640.00", date(2027, 2, 10), "lena.vogt@kestrel.example"),
    (519, "Maple Street Bakery", "Starter", "99.00", date(2027, 6, 30), "hello@maplestreet.example"),
)
# number, account, USD, issued on, paid
INVOICES = (
    (1001, 184, "480.00", date(2026, 8, 1), True),
    (1002, 207, "129.00", date(2026, 8, 1), True),
    (1003, 311, "2400.00", date(2026, 8, 1), True),
    (1004, 358, "129.00", date(2026, 8, 3), True),
    (1005, 402, "640.00", date(2026, 8, 5), True),
    (1006, 519, "99.00", date(2026, 8, 9), True),
    (1007, 184, "480.00", date(2026, 9, 1), True),
    (1008, 311, "2400.00", date(2026, 9, 1), True),
    (1009, 402, "640.00", date(2026, 9, 5), True),
    (1010, 519, "99.00", date(2026, 9, 9), False),
    (1011, 184, "480.00", date(2026, 10, 1), False),
    (1012, 207, "129.00", date(2026, 9, 1), True),
    (1013, 311, "2400.00", date(2026, 10, 1), True),
    (1014, 358, "129.00", date(2026, 10, 3), False),
    (1015, 402, "640.00", date(2026, 10, 5), False),
)
# account, subject, body, status, day of October 2026
TICKETS = (
    (184, "Charged twice in September", "Invoice 1007 was taken from our card twice.", TicketStatus.OPEN, 19),
    (184, "Export stops at 10,000 rows", "The nightly export ends early since the update.", TicketStatus.OPEN, 14),
    (184, "New user for Tom Albers", "Please add tom.albers@northwind.example.", TicketStatus.CLOSED, 2),
    (207, "Cancelled, but still billed", "We cancelled in August and got invoice 1012.", TicketStatus.OPEN, 12),
    (207, "How do I import a catalogue?", "The CSV is refused without a reason.", TicketStatus.CLOSED, 5),
    (311, "Webhook deliveries are late", "Minutes instead of seconds, since Monday.", TicketStatus.OPEN, 20),
    (311, "Need an SLA report for Q3", "For our auditors, by the end of the month.", TicketStatus.CLOSED, 8),
    (358, "Reset password mail never arrives", "We looked in the spam folder too.", TicketStatus.OPEN, 16),
    (402, "API answers 429", "We send about 20 requests a second.", TicketStatus.OPEN, 18),
    (402, "Second workspace", "Can our Munich team have its own workspace?", TicketStatus.CLOSED, 7),
    (402, "Invoice address has changed", "New street, same city.", TicketStatus.CLOSED, 3),
    (519, "Is there a yearly price?", "Monthly bills are a nuisance for us.", TicketStatus.OPEN, 11),
)
# account, kind, text
NOTES = (
    (184, "call", "Maria asked for a discount if they renew for two years."),
    (311, "renewal", "Legal wants the new data processing terms before they sign."),
    (402, "call", "Lena plans to double the number of seats in spring."),
)


@transaction.atomic
def seed() -> None:
    """Add the rows that are missing; those that are there stay as they are."""
    for number, *described in ACCOUNTS:
        Account.objects.get_or_create(number=number, defaults=dict(zip(ACCOUNT_FIELDS, described, strict=True)))
    accounts = Account.objects.in_bulk(field_name="number")
    for number, account, amount, issued_on, paid in INVOICES:
        values = {"account": accounts[account], "amount_usd": Decimal(amount), "issued_on": issued_on, "paid": paid}
        Invoice.objects.get_or_create(number=number, defaults=values)
    for account, subject, body, status, day in TICKETS:
        opened_at = datetime(2026, 10, day, 9, tzinfo=UTC)
        Ticket.objects.get_or_create(
            account=accounts[account],
            subject=subject,
            defaults={"body": body, "status": status, "opened_at": opened_at},
        )
    for account, kind, text in NOTES:
        CrmNote.objects.get_or_create(account=accounts[account], kind=kind, text=text)


@transaction.atomic
def forget_effects() -> None:
    """Undo what tools did to the rows: an invoice can be refunded only once, a demonstration more often."""
    for model in (Refund, OutboxMail):
        model.objects.all().delete()
    CrmNote.objects.filter(effect_key__isnull=False).delete()
    Ticket.objects.filter(import_key__isnull=False).delete()
    Invoice.objects.update(refunded_usd=0)
    Account.objects.update(renewal_stage=RenewalStage.OPEN)
