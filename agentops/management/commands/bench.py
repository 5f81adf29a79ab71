"""`bench`: what the core costs, beside peers in the same interleaved run."""

import json
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from agentops.embedded.postgres import NoPostgresError
from agentops.lab.bench.place import DATABASES, MeasurementError, measure_in_child

# The figure of each measurement, its most, and the options that it takes.
MEASUREMENTS = {
    "steps": ("ratio_to_limit", 2.5, ["rounds"]),
    "claims": ("p50_ms", 2.0, ["queued", "tenants", "claims", "threads"]),
    "waiting": ("cpu_percent", 2.0, ["waiting", "seconds", "posts"]),
    "pacing": ("unused_percent", 10.0, ["minutes", "bound"]),
    "promotion": ("p95_ms", 1000.0, ["blocked", "starts"]),
}
_MUST_BE_NONE = ("over_admitted", "breaches", "refused")
_REAL_WORKERS = ("waiting", "pacing", "promotion")
_NUMBERS = {
    "rounds": (60, "runs of each peer, for steps (default: 60)"),
    "queued": (100_000, "runs that wait, for claims"),
    "tenants": (1_000, "whose runs they are, for claims"),
    "claims": (1_600, "how many are timed, for claims"),
    "threads": (16, "that claim at once, for claims"),
    "waiting": (10_000, "runs that wait for a person, for waiting"),
    "seconds": (60.0, "how long workers are looked at, for waiting"),
    "posts": (40, "starts that are timed, for waiting"),
    "blocked": (5_000, "runs behind one that works, for promotion"),
    "starts": (400, "how many of them start, for promotion"),
    "minutes": (5.0, "after the ramp, for pacing (default: 5)"),
}


class Command(BaseCommand):
    """Measure on both databases, each fresh and durable."""

    help = (
        "Measure: `steps` is the cost of a durable step beside a bare INSERT and COMMIT; `claims` is the cost of a "
        "claim with 100,000 queued runs; `waiting` is the time that a worker uses while 10,000 runs wait for a "
        "person, and how soon a posted run starts; `pacing` is how much of a provider's quota four workers leave "
        "unused, and whether it refuses any request; `promotion` is how soon a run starts when the one that blocked it "
        "ends. Exits 0 within the limits, 1 beyond one, 2 when it could not run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("what", choices=sorted(MEASUREMENTS))
        parser.add_argument("--db", choices=DATABASES, action="append", help="only this one (default: both)")
        for name, (default, help_text) in _NUMBERS.items():
            parser.add_argument(f"--{name}", type=type(default), default=default, help=help_text)
        parser.add_argument("--bound", choices=["requests", "tokens"], help="only this quota binds, for pacing")
        parser.add_argument("--json", action="store_true", help="end with the report as one line of JSON")
        parser.add_argument("--here", action="store_true", help="measure in this very process and database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure and tell."""
        what = options["what"]
        figure, most, names = MEASUREMENTS[what]
        if options["here"]:
            call_command("migrate", verbosity=0)
            measure = getattr(import_module(f"agentops.lab.bench.{what}"), f"measure_{what}")
            self.stdout.write(json.dumps(measure(**{name: options[name] for name in names})))
            return
        passed = [what, *(f"--{name}={options[name]}" for name in names if options[name] is not None)]
        doorbells = what in _REAL_WORKERS
        try:
            found = {db: measure_in_child(db, passed, doorbells=doorbells) for db in options["db"] or DATABASES}
        except (MeasurementError, NoPostgresError) as error:
            raise CommandError(str(error), returncode=2) from error
        worst = max(measured[figure] for measured in found.values())
        _show(what, found, figure=figure, most=most)
        if options["json"]:
            self.stdout.write(json.dumps({"bench": what, figure: worst, "most": most, **found}))
        wrong = any(measured.get(name) for measured in found.values() for name in _MUST_BE_NONE)
        raise SystemExit(1 if worst > most or wrong else 0)


def _show(what: str, found: dict[str, dict[str, Any]], *, figure: str, most: float) -> None:
    table = Table(title=f"bench {what}: {figure} at most {most:g}")
    table.add_column("figure")
    for database in found:
        table.add_column(database, justify="right")
    for name in next(iter(found.values())):
        table.add_row(name, *(f"{measured[name]}" for measured in found.values()))
    Console(stderr=True).print(table)
