"""`doctor`: check that everything that runs need is there, and say how to fix what is not."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from runs.engine.classifier import table_as_markdown
from runs.operations.diagnose import DATABASE, diagnose


class Command(BaseCommand):
    help = (
        "Look whether database, Redis, workers, clock, prices, circuits, mails and declarations are well; say what to "
        "do about what is not. Exits 0 if all is well, 1 with findings, 2 without a database."
    )
    requires_system_checks: list[Any] = []  # their findings are shown, and do not stop the command

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="end with a report as one line of JSON")
        parser.add_argument("--errors", action="store_true", help="print the table by which errors are classified")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["errors"]:
            self.stdout.write(table_as_markdown())
            return
        findings = list(diagnose())
        for finding in findings:
            mark = self.style.SUCCESS("well") if finding.is_well else self.style.ERROR("LOOK")
            self.stdout.write(f"{mark}  {finding.what}: {finding.said}")
            if not finding.is_well and finding.remedy:
                self.stdout.write(f"      {finding.remedy}")
        ill = [finding for finding in findings if not finding.is_well]
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not ill, "findings": [asdict(finding) for finding in findings]}))
        if ill:
            raise SystemExit(2 if any(finding.what == DATABASE for finding in ill) else 1)
