"""`bench`: what the core costs, beside peers in the same interleaved run."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from agentops.embedded.postgres import NoPostgresError
from agentops.lab.bench.place import DATABASES, MeasurementError, measure_in_child

# The figure of each, and its most.
LIMITS = {
    "steps": ("ratio_to_limit", 2.5),
    "claims": ("p50_ms", 2.0),
    "waiting": ("cpu_percent", 2.0),
    "pacing": ("unused_percent", 10.0),
    "promotion": ("p95_ms", 1000.0),
}
_MUST_BE_NONE = ("over_admitted", "breaches", "refused")
_REAL_WORKERS = ("waiting", "pacing", "promotion")

_NUMBERS = (
    *("rounds", "queued", "tenants", "claims", "threads", "waiting", "seconds", "posts", "minutes"),
    *("blocked", "starts"),
)


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
        parser.add_argument("what", choices=sorted(LIMITS))
        parser.add_argument("--db", choices=DATABASES, action="append", help="only this one (default: both)")
        parser.add_argument("--rounds", type=int, default=60, help="runs of each peer, for steps (default: 60)")
        parser.add_argument("--queued", type=int, default=100_000, help="runs that wait, for claims")
        parser.add_argument("--tenants", type=int, default=1_000, help="whose runs they are, for claims")
        parser.add_argument("--claims", type=int, default=1_600, help="how many are timed, for claims")
        parser.add_argument("--threads", type=int, default=16, help="that claim at once, for claims")
        parser.add_argument("--waiting", type=int, default=10_000, help="runs that wait for a person, for waiting")
        parser.add_argument("--seconds", type=float, default=60.0, help="how long workers are looked at, for waiting")
        parser.add_argument("--posts", type=int, default=40, help="starts that are timed, for waiting")
        parser.add_argument("--blocked", type=int, default=5_000, help="runs behind one that works, for promotion")
        parser.add_argument("--starts", type=int, default=400, help="how many of them start, for promotion")
        parser.add_argument("--minutes", type=float, default=5.0, help="after the ramp, for pacing (default: 5)")
        parser.add_argument("--bound", choices=["requests", "tokens"], help="only this quota binds, for pacing")
        parser.add_argument("--json", action="store_true", help="end with the report as one line of JSON")
        parser.add_argument("--here", action="store_true", help="measure in this very process and database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure and tell."""
        if options["here"]:
            self.stdout.write(json.dumps(self._measure(options)))
            return
        passed = [options["what"], *(part for name in _NUMBERS for part in (f"--{name}", str(options[name])))]
        passed += ["--bound", options["bound"]] if options["bound"] else []
        doorbells = options["what"] in _REAL_WORKERS
        try:
            found = {db: measure_in_child(db, passed, doorbells=doorbells) for db in options["db"] or DATABASES}
        except (MeasurementError, NoPostgresError) as error:
            raise CommandError(str(error), returncode=2) from error
        figure, most = LIMITS[options["what"]]
        worst = max(measured[figure] for measured in found.values())
        _show(options["what"], found, figure=figure, most=most)
        if options["json"]:
            self.stdout.write(json.dumps({"bench": options["what"], figure: worst, "most": most, **found}))
        wrong = any(measured.get(name) for measured in found.values() for name in _MUST_BE_NONE)
        raise SystemExit(1 if worst > most or wrong else 0)

    def _measure(self, options: dict[str, Any]) -> dict[str, Any]:
        from agentops.lab.bench.claims import measure_claims
        from agentops.lab.bench.steps import measure_steps

        call_command("migrate", verbosity=0)
        match options["what"]:
            case "steps":
                return measure_steps(options["rounds"]).as_json()
            case "claims":
                names = ("queued", "tenants", "claims", "threads")
                return measure_claims(**{name: options[name] for name in names})
            case "pacing":
                from agentops.lab.bench.pacing import measure_pacing

                return measure_pacing(minutes=options["minutes"], bound=options["bound"])
            case "promotion":
                from agentops.lab.bench.promotion import measure_promotion

                return measure_promotion(blocked=options["blocked"], starts=options["starts"])
        from agentops.lab.bench.waiting import measure_waiting

        return measure_waiting(**{name: options[name] for name in ("waiting", "seconds", "posts")})


def _show(what: str, found: dict[str, dict[str, Any]], *, figure: str, most: float) -> None:
    table = Table(title=f"bench {what}: {figure} at most {most:g}")
    table.add_column("figure")
    for database in found:
        table.add_column(database, justify="right")
    for name in next(iter(found.values())):
        table.add_row(name, *(f"{measured[name]}" for measured in found.values()))
    Console(stderr=True).print(table)
