"""`check_invariants`: name every row that breaks an invariant."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from runs.invariants.every import breaches, every_check
from runs.management.database import require_database


class Command(BaseCommand):
    help = "Check what must always hold; one line per breach. Exits 0 clean, 1 with breaches, 2 if it could not run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="end with a report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        require_database()
        try:
            found = list(breaches())
        except DatabaseError as error:
            raise CommandError(f"the database is not ready: {error}", returncode=2) from error
        for breach in found:
            self.stdout.write(str(breach))
        if options["json"]:
            self.stdout.write(
                json.dumps({"checks": len(every_check()), "breaches": [asdict(breach) for breach in found]})
            )
        elif not found:
            self.stdout.write(f"{len(every_check())} checks, no breach")
        if found:
            raise SystemExit(1)
