"""The rows of the support desk: what its tools read and change. No agent is known here."""

from typing import Any

from django.db import models
from django.db.models import F, Q

USD: dict[str, Any] = {"max_digits": 10, "decimal_places": 2}
EFFECT_KEY: dict[str, Any] = {
    "max_length": 64,
    "help_text": "Key of the tool call that wrote this row; at most one row should have it.",
}


class RenewalStage(models.TextChoices):
    """How far the talks about the next contract year are."""

    OPEN = "open", "open: nobody has called yet"
    CONTACTED = "contacted", "contacted: the customer knows our offer"
    AGREED = "agreed", "agreed"
    LOST = "lost", "lost"


class Account(models.Model):
    """One customer."""

    number = models.PositiveIntegerField(unique=True, help_text="What people call it by, such as 184.")
    name = models.CharField(max_length=100)
    plan = models.CharField(max_length=30, help_text="Name of the contract, such as Business.")
    monthly_usd = models.DecimalField(**USD, help_text="Price a month.")
    renewal_date = models.DateField(help_text="The day on which the contract ends unless it is renewed.")
    renewal_stage = models.CharField(max_length=16, choices=RenewalStage, default=RenewalStage.OPEN)
    contact_email = models.EmailField(help_text="The only address that mail about this account goes to.")

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class Invoice(models.Model):
    """One bill, and how much of it was paid back."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="invoices")
    number = models.PositiveIntegerField(unique=True, help_text="Printed on the bill, such as 1007.")
    amount_usd = models.DecimalField(**USD)
    refunded_usd = models.DecimalField(**USD, default=0, help_text="Sum of the refunds.")
    issued_on = models.DateField()
    paid = models.BooleanField(default=False)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(refunded_usd__gte=0) & Q(refunded_usd__lte=F("amount_usd")),
                name="desk_refunds_within_invoice",
            ),
        ]

    def __str__(self) -> str:
        return f"invoice {self.number}"


class TicketStatus(models.TextChoices):
    """Whether somebody still waits for us."""

    OPEN = "open", "open"
    CLOSED = "closed", "closed"


class Ticket(models.Model):
    """One question or complaint of a customer."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="tickets")
    subject = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=TicketStatus, default=TicketStatus.OPEN)
    opened_at = models.DateTimeField()
    import_key = models.CharField(  # noqa: DJ001 (null, so that others do not collide)
        max_length=64, unique=True, null=True, help_text="Run and row of an import, so that none comes in twice."
    )

    class Meta:
        ordering = ["-opened_at", "-id"]

    def __str__(self) -> str:
        return self.subject


class CrmNote(models.Model):
    """One note about a customer."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=30, help_text="Such as call, renewal, research or update.")
    text = models.TextField()
    effect_key = models.CharField(**EFFECT_KEY, unique=True, null=True)  # noqa: DJ001 (people write notes without)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} note"


class Refund(models.Model):
    """Money paid back. Like a real bank, this table does not notice a second call with the same key."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="refunds")
    amount_usd = models.DecimalField(**USD)
    reason = models.CharField(max_length=500)
    effect_key = models.CharField(**EFFECT_KEY, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(amount_usd__gt=0), name="desk_refund_above_zero")]

    def __str__(self) -> str:
        return f"refund of {self.amount_usd} USD"


class OutboxMail(models.Model):
    """One email that was sent. Like a real mailbox, it takes the same message twice."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="mails")
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    effect_key = models.CharField(**EFFECT_KEY, db_index=True)
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-sent_at", "-id"]

    def __str__(self) -> str:
        return self.subject
