"""`chaos`: kill real processes at fault points and prove that nothing is lost and nothing happens twice."""

import json
import os
import signal
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agentops.embedded.postgres import EmbeddedPostgres
from agentops.lab.chaos.launch import PGDATA, start_again
from agentops.lab.chaos.options import CannotRunError, Options, add_options, options_of
from agentops.lab.chaos.report import ChaosReport
from agentops.lab.chaos.show import show
from agentops.lab.workload.conversations import Workload
from agentops.lab.workload.environment import NotReadyError
from agentops.lab.workload.replay import checked_workload


class Command(BaseCommand):
    """Kill, count, judge."""

    help = (
        "Post runs, kill the processes that work on them, and hold a ledger of effects against the database. "
        "Exits 0 clean, 1 on a breach, 2 when it could not run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the options, then restart in a separate place and run there."""
        try:
            wanted = options_of(options)
            workload = checked_workload(wanted.workload, limit=None) if wanted.workload else None
            if not apps.is_installed("agentops.lab.chaos"):
                sys.exit(start_again(wanted, var=settings.VAR_DIR, keep=options["keep"]))
            report = self._campaign(wanted, workload)
        except (CannotRunError, NotReadyError) as error:
            raise CommandError(str(error), returncode=2) from error
        show(report, sys.stdout)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        sys.stdout.flush()
        sys.exit(0 if report.is_clean else 1)

    def _campaign(self, options: Options, workload: Workload | None) -> ChaosReport:
        from agentops.lab.chaos.campaign import ChaosEnvironment, run_campaign

        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        folder = Path(settings.VAR_DIR)
        environment = ChaosEnvironment(
            folder=folder,
            ledger=settings.AGENTOPS_CHAOS,
            fault_log=Path(os.environ["AGENTOPS_FAULT_LOG"]),
            workload=workload,
            postgres=EmbeddedPostgres(folder / PGDATA) if options.db == "postgres" else None,
        )
        with _progress() as progress:
            runs = progress.add_task("runs", total=options.runs, unknown="")
            kills = progress.add_task("kills", total=options.kills, unknown="")

            def tell(ended: int, killed: int, unknown: int) -> None:
                progress.update(runs, completed=ended, unknown=f"{unknown} unknown" if unknown else "")
                progress.update(kills, completed=killed)

            return run_campaign(options, environment, stopping=stopping, tell=tell)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:5}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[unknown]}"),
        console=Console(stderr=True),
    )
