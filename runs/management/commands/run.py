"""`run NAME --input JSON`: post a run and follow it."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from runs.errors import RunsError
from runs.management.database import require_database
from runs.models import Run
from runs.notices.pages import page_of
from runs.operations.accounts import make_member, make_tenant
from runs.operations.post_run import RunRequest, post_run
from runs.operations.why import why
from runs.states import ENDED, ActionStatus, OnConflict, RunStatus

_LOOK_EVERY_S = 0.3
_CALLS = {"answer": "runs/{run}/messages/"}  # the other verbs have the action's own address


class Command(BaseCommand):
    help = "Post a run and follow it; exits 0 if it completed, 1 if it failed, 2 if it waits or was not accepted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="job type")
        parser.add_argument("--input", default="{}", metavar="JSON")
        parser.add_argument("--tenant", default="default", metavar="SLUG")
        parser.add_argument("--on-conflict", choices=list(OnConflict), help="while another run counts as the same")
        parser.add_argument("--no-follow", action="store_true", help="print the id and leave")
        parser.add_argument("--json", action="store_true", help="print the last state as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        require_database()
        run = self._post(options)
        if options["no_follow"]:
            self.stdout.write(str(run.pk))
            return
        try:
            run = self._follow(run)
        except KeyboardInterrupt:
            raise CommandError(f"run {run.pk} goes on without us: {_place(run)}", returncode=2) from None
        except DatabaseError as error:
            raise CommandError(
                f"run {run.pk} cannot be followed, the database is away: {error}", returncode=2
            ) from error
        self._report(run, as_json=options["json"])
        if run.state != RunStatus.COMPLETED:
            raise SystemExit(1 if run.state in ENDED else 2)

    def _report(self, run: Run, *, as_json: bool) -> None:
        if run.state != RunStatus.COMPLETED:
            self._say_why(run)
        if as_json:
            actions = run.actions.filter(status=ActionStatus.OPEN)
            report = {
                "id": str(run.pk),
                "status": run.status,
                "output": run.output,
                "cost_usd": str(run.cost_usd),
                "open_actions": [str(action.pk) for action in actions],
            }
            self.stdout.write(json.dumps(report))
        elif run.state == RunStatus.COMPLETED:
            self.stdout.write(run.output if isinstance(run.output, str) else json.dumps(run.output, indent=2))

    def _say_why(self, run: Run) -> None:
        """Say what holds the run up or ended it, its id, and where a person decides."""
        for reason in why(run):
            self.stderr.write(f"{run.status}: {reason.message}")
        if run.last_error:
            self.stderr.write(f"{run.status}: {run.last_error['type']}: {run.last_error['message']}")
        self.stderr.write(f"run {run.pk}: {_place(run)}")
        for action in run.actions.filter(status=ActionStatus.OPEN):
            calls = (_CALLS.get(verb, f"actions/{action.pk}/{verb}/").format(run=run.pk) for verb in action.verbs)
            by_api = ", ".join(f"POST /api/v1/{call}" for call in calls)
            self.stderr.write(f"decide: {page_of('pendingaction', action.pk)} or {by_api}")

    def _post(self, options: dict[str, Any]) -> Run:
        try:
            tenant = make_tenant(options["tenant"])
            run, _ = post_run(
                RunRequest(job_type=options["name"], input=_json(options["input"]), on_conflict=options["on_conflict"]),
                tenant=tenant,
                user=make_member(tenant, None),
                origin="command",
            )
        except (RunsError, ValueError, DatabaseError) as error:  # of texts that no column holds, too
            raise CommandError(f"no run was posted: {error}", returncode=2) from error
        return run

    def _follow(self, run: Run) -> Run:
        with _progress() as show:
            while run.state not in ENDED and run.state != RunStatus.WAITING_FOR_CONFIRMATION:
                reasons = "; ".join(reason.message for reason in why(run))
                words = run.progress_message or reasons
                show(run.progress_percent, f"{run.status} {words}")
                time.sleep(_LOOK_EVERY_S)  # a person watches a terminal; workers are elsewhere
                run.refresh_from_db()
        return run


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--input is not JSON: {error}", returncode=2) from error


def _place(run: Run) -> str:
    """Where the run is looked at: its page and its address in the API."""
    return f"{page_of('run', run.pk)} or GET /api/v1/runs/{run.pk}/"


@contextmanager
def _progress() -> Iterator[Callable[[float, str], None]]:
    """Show percent and words on stderr: as a bar if `rich` is installed, else a line for each change."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:  # it comes with `django-agentops[demo]`
        last = ""

        def show(percent: float, words: str) -> None:
            nonlocal last
            line = f"{percent:3.0f} % {words}"
            if line != last:
                last = line
                print(line, file=sys.stderr, flush=True)

        yield show
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("queued", total=100)
        yield lambda percent, words: bar.update(task, completed=percent, description=words)
