"""`demo`: everything, embedded, no key, no server to install."""

import json
import os
import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from agentops.stack import Stack, StackError

_GRACE_S = 8.0


class Command(BaseCommand):
    """Start the whole product on this machine."""

    help = "Start web, workers, clock and the offline model, and post runs of different fates. Ctrl-C ends it all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--smoke", action="store_true", help="run the main job once, check it, exit 0 or 1")
        parser.add_argument("--kill-worker", action="store_true", help="with --smoke: kill a worker in mid-step")
        parser.add_argument("--live", action="store_true", help="ask Claude, with ANTHROPIC_API_KEY")
        parser.add_argument("--port", type=int, default=0, help="port of the web server (default: 8000, or a free one)")
        parser.add_argument("--json", action="store_true", help="with --smoke: end with a report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, start, post; then wait for Ctrl-C or check the outcomes."""
        self._refuse_nonsense(options)
        if not apps.is_installed("agentops.examples.support_desk"):
            _start_again_with_examples()
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.console = Console(stderr=options["json"], width=None if sys.stdout.isatty() else 150)
        try:
            code = self._run(options, stop)
        except StackError as error:
            raise CommandError(str(error), returncode=2) from error
        sys.exit(code)

    def _refuse_nonsense(self, options: dict[str, Any]) -> None:
        if options["kill_worker"] and not options["smoke"]:
            raise CommandError("--kill-worker goes with --smoke", returncode=2)
        if options["live"] and not settings.ANTHROPIC_API_KEY:
            raise CommandError("--live needs ANTHROPIC_API_KEY in the environment", returncode=2)
        if options["live"] and options["smoke"]:
            raise CommandError("--smoke checks scripted answers, so it cannot be --live", returncode=2)

    def _run(self, options: dict[str, Any], stop: threading.Event) -> int:
        from agentops.demo.client import DemoClient
        from agentops.demo.environment import prepare, start
        from agentops.demo.only_one import OnlyDemo

        only = OnlyDemo(settings.VAR_DIR, port=options["port"])  # before anything is changed
        self.console.print("Preparing the database, starting the servers …")
        keys = prepare()
        stack = Stack({"AGENTOPS_EXAMPLES": "1"})
        try:
            address = start(stack, port=options["port"], live=options["live"])
            only.runs_at(address)
            client = DemoClient(address, keys.token)
            if options["smoke"]:
                return self._smoke(stack, client, DemoClient(address, keys.operator_token), options)
            self._post_all(client)
            self._welcome(address, keys.token, keys.password, live=options["live"])
            while not stop.wait(0.5):
                stack.check()
            self.console.print("\nStopping …")
            return 0
        finally:
            stack.stop(_GRACE_S)
            only.close()

    def _smoke(self, stack: Stack, client: Any, operator: Any, options: dict[str, Any]) -> int:
        from agentops.demo.smoke import row, smoke
        from runs.invariants.every import breaches

        posted = smoke(stack, client, operator, kill_worker=options["kill_worker"], tell=self.console.print)
        rows = [row(one) for one in posted]
        broken = [str(breach) for breach in breaches()]
        failed = [one for one in rows if one["problems"]]
        self.console.print(_table(rows))
        self.console.print(f"{len(rows) - len(failed)} of {len(rows)} runs ended as they should.")
        self.console.print("\n".join(broken) or "No invariant is broken.")
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not failed and not broken, "runs": rows, "breaches": broken}))
        return 1 if failed or broken else 0

    def _post_all(self, client: Any) -> None:
        from agentops.demo.fates import FATES

        for fate in FATES:
            client.post("runs/", {"job_type": fate.job_type, "input": fate.input})

    def _welcome(self, address: str, token: str, password: str, *, live: bool) -> None:
        model = "Claude, with your key" if live else "the offline model (scripted answers, no key, no network)"
        self.console.print(f"\n[bold]agentops is running.[/bold] Answers come from {model}.\n", highlight=False)
        for name, value in (
            ("Console", f"{address}/admin/   sign in as [bold]operator[/bold], password [bold]{password}[/bold]"),
            ("API", f"{address}/api/v1/runs/   described at {address}/api/docs/"),
            ("Token", token),
            ("Logs", str(settings.VAR_DIR / "logs")),
        ):
            self.console.print(f"  {name:8} {value}", highlight=False, soft_wrap=True)
        self.console.print(
            "\nNine runs were posted: some wait for your approval or answer, one is a dead letter.\nCtrl-C ends all.",
            highlight=False,
        )


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="demo --smoke")
    for column in ("run", "job type", "what", "status", "steps", "claims", "cost USD", "problems"):
        table.add_column(column, overflow="fold")
    for one in rows:
        table.add_row(
            one["run"][:8],
            one["job_type"],
            one["title"],
            one["status"],
            str(one["steps"]),
            str(one["claims"]),
            one["cost_usd"],
            "; ".join(one["problems"]) or "none",
        )
    return table


def _start_again_with_examples() -> None:
    """The example app must be installed in this process too: it migrates and seeds."""
    os.environ["AGENTOPS_EXAMPLES"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 (ourselves)
