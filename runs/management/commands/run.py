"""`run NAME --input JSON`: post a run and follow it."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from runs.errors import RunsError
from runs.management.progress import progress
from runs.models import Run
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.operations.why import why
from runs.states import ENDED, OnConflict, RunStatus

_LOOK_EVERY_S = 0.3


class Command(BaseCommand):
    """Post a run and show its progress until it ends or waits for a person."""

    help = "Post a run and follow it; exits 0 if it completed, 1 if it failed, 2 if it waits or was not accepted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="job type")
        parser.add_argument("--input", default="{}", metavar="JSON")
        parser.add_argument("--tenant", default="default", metavar="SLUG")
        parser.add_argument("--on-conflict", choices=list(OnConflict), help="while another run counts as the same")
        parser.add_argument("--no-follow", action="store_true", help="print the id and leave")
        parser.add_argument("--json", action="store_true", help="print the last state as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Post, follow, report."""
        run = self._post(options)
        if options["no_follow"]:
            self.stdout.write(str(run.pk))
            return
        run = self._follow(run)
        if options["json"]:
            report = {
                "id": str(run.pk),
                "status": run.status,
                "output": run.output,
                "cost_usd": str(run.cost_usd),
            }
            self.stdout.write(json.dumps(report))
        elif run.state == RunStatus.COMPLETED:
            self.stdout.write(run.output if isinstance(run.output, str) else json.dumps(run.output, indent=2))
        else:
            for reason in why(run):
                self.stderr.write(f"{run.status}: {reason.message}")
            if run.last_error:
                self.stderr.write(f"{run.status}: {run.last_error['type']}: {run.last_error['message']}")
        if run.state != RunStatus.COMPLETED:
            raise SystemExit(1 if run.state in ENDED else 2)

    def _post(self, options: dict[str, Any]) -> Run:
        try:
            tenant = make_tenant(options["tenant"])
            run, _ = post_run(
                RunRequest(
                    job_type=options["name"], input=json.loads(options["input"]), on_conflict=options["on_conflict"]
                ),
                tenant=tenant,
                user=make_member(tenant, None),
                origin="command",
            )
        except json.JSONDecodeError as error:
            raise CommandError(f"--input is not JSON: {error}", returncode=2) from error
        except RunsError as error:
            raise CommandError(str(error), returncode=2) from error
        return run

    def _follow(self, run: Run) -> Run:
        with progress() as show:
            while run.state not in ENDED and run.state != RunStatus.WAITING_FOR_CONFIRMATION:
                reasons = "; ".join(reason.message for reason in why(run))
                words = run.progress_message or reasons
                show(run.progress_percent, f"{run.status} {words}")
                time.sleep(_LOOK_EVERY_S)  # a person watches a terminal; workers are elsewhere
                run.refresh_from_db()
        return run
