"""`bench`: what the core costs, beside peers in the same interleaved run."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from agentops.bench.place import DATABASES, MeasurementError, measure_in_child
from agentops.embedded.postgres import NoPostgresError

LIMITS = {"steps": ("ratio_to_limit", 2.5), "claims": ("p50_ms", 2.0)}  # the figure of each, and its most


class Command(BaseCommand):
    """Measure on both databases, each fresh and durable."""

    help = (
        "Measure: `steps` is the cost of a durable step beside a bare INSERT and COMMIT; `claims` is the cost of a "
        "claim with 100,000 queued runs. Exits 0 within the limits, 1 beyond one, 2 when it could not run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("what", choices=sorted(LIMITS))
        parser.add_argument("--db", choices=DATABASES, action="append", help="only this one (default: both)")
        parser.add_argument("--rounds", type=int, default=60, help="runs of each peer, for steps (default: 60)")
        parser.add_argument("--queued", type=int, default=100_000, help="runs that wait, for claims")
        parser.add_argument("--tenants", type=int, default=1_000, help="whose runs they are, for claims")
        parser.add_argument("--claims", type=int, default=1_600, help="how many are timed, for claims")
        parser.add_argument("--threads", type=int, default=16, help="that claim at once, for claims")
        parser.add_argument("--json", action="store_true", help="end with the report as one line of JSON")
        parser.add_argument("--here", action="store_true", help="measure in this very process and database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure and tell."""
        if options["here"]:
            self.stdout.write(json.dumps(self._measure(options)))
            return
        numbers = ("rounds", "queued", "tenants", "claims", "threads")
        passed = [part for name in numbers for part in (f"--{name}", str(options[name]))]
        try:
            found = {db: measure_in_child(db, [options["what"], *passed]) for db in options["db"] or DATABASES}
        except (MeasurementError, NoPostgresError) as error:
            raise CommandError(str(error), returncode=2) from error
        figure, most = LIMITS[options["what"]]
        worst = max(measured[figure] for measured in found.values())
        _show(options["what"], found, figure=figure, most=most)
        if options["json"]:
            self.stdout.write(json.dumps({"bench": options["what"], figure: worst, "most": most, **found}))
        over = any(measured.get("over_admitted") for measured in found.values())
        raise SystemExit(1 if worst > most or over else 0)

    def _measure(self, options: dict[str, Any]) -> dict[str, Any]:
        from agentops.bench.claims import measure_claims
        from agentops.bench.steps import measure_steps

        call_command("migrate", verbosity=0)
        if options["what"] == "steps":
            return measure_steps(options["rounds"]).as_json()
        names = ("queued", "tenants", "claims", "threads")
        return measure_claims(**{name: options[name] for name in names})


def _show(what: str, found: dict[str, dict[str, Any]], *, figure: str, most: float) -> None:
    table = Table(title=f"bench {what}: {figure} at most {most:g}")
    table.add_column("figure")
    for database in found:
        table.add_column(database, justify="right")
    for name in next(iter(found.values())):
        table.add_row(name, *(f"{measured[name]}" for measured in found.values()))
    Console(stderr=True).print(table)
