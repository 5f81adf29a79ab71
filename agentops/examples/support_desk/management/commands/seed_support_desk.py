"""`seed_support_desk`: the rows that the example agents work on."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from agentops.examples.support_desk.models import Account, Invoice, Ticket
from agentops.examples.support_desk.seed import forget_effects, seed


class Command(BaseCommand):
    """Add the rows of the support desk."""

    help = "Add the accounts, invoices and tickets of the example support desk; those already there stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--reset", action="store_true", help="undo refunds, mails, notes and imports first")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed and count."""
        if options["reset"]:
            forget_effects()
        seed()
        counts = f"{Account.objects.count()} accounts, {Invoice.objects.count()} invoices"
        self.stdout.write(f"support desk: {counts}, {Ticket.objects.count()} tickets")
