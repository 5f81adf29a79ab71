"""`reconcile`: one thorough sweep by hand."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from runs.maintenance.reconcile import reconcile_and_send
from runs.management.database import require_database


class Command(BaseCommand):
    help = (
        "Rescue runs of dead workers, wake due timers, expire decisions, recount lanes, send mails. "
        "Exits 0, or 2 if it could not run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        require_database()
        done = reconcile_and_send()
        if options["json"]:
            self.stdout.write(json.dumps(done))
            return
        for name, count in done.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {count}")
