"""`replay_workload DIR`: play a recorded workload through the product and compare what happened."""

import json
import signal
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agentops.lab.workload.client import StoppedError
from agentops.lab.workload.environment import NotReadyError
from agentops.lab.workload.play import Played
from agentops.lab.workload.replay import checked_workload, replay
from agentops.lab.workload.report import WorkloadReport
from agentops.lab.workload.show import show
from agentops.offline.model import BATCH_S
from runs.states import Lane


class Command(BaseCommand):
    """Play recorded conversations and compare folder, steps and requests turn by turn."""

    help = (
        "Play a workload's recorded conversations through API, workers and offline model and compare the three "
        "sources turn by turn; exits 0 if they agree, 1 on a finding, 2 when it could not run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("folder", type=Path, metavar="DIR", help="the workload's folder")
        parser.add_argument("--limit", type=int, metavar="N", help="only the first N conversations")
        parser.add_argument("--workers", type=int, default=2, metavar="N", help="worker processes (default: 2)")
        parser.add_argument("--lane", choices=list(Lane), default=Lane.STANDARD, help="`batch`: in message batches")
        parser.add_argument(
            "--batch-seconds", type=float, default=BATCH_S, metavar="S", help="time until a message batch has ended"
        )
        parser.add_argument("--json", action="store_true", help="end with the report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay, report."""
        for name in ("limit", "workers"):
            if options[name] is not None and options[name] < 1:
                raise CommandError(f"--{name} must be at least 1", returncode=2)
        if not options["batch_seconds"] > 0:
            raise CommandError("--batch-seconds must be above 0", returncode=2)
        try:
            report = self._replay(options)
        except NotReadyError as error:
            raise CommandError(str(error), returncode=2) from error
        except StoppedError as error:
            raise CommandError("stopped before the end; nothing was compared", returncode=2) from error
        show(report, sys.stdout)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        sys.exit(0 if report.is_clean else 1)

    def _replay(self, options: dict[str, Any]) -> WorkloadReport:
        workload = checked_workload(options["folder"].resolve(), limit=options["limit"])
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        with _progress() as progress:
            bar = progress.add_task("conversations", total=len(workload.conversations), failed="")
            failed: list[Played] = []

            def ended(played: Played) -> None:
                if not played.completed:
                    failed.append(played)
                progress.update(bar, advance=1, failed=f"{len(failed)} not completed" if failed else "")

            return replay(
                workload,
                workers=options["workers"],
                lane=Lane(options["lane"]),
                batch_s=options["batch_seconds"],
                stopping=stopping,
                ended=ended,
                warn=lambda text: progress.console.print(f"Warning: {text}", markup=False),
            )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[failed]}"),
        console=Console(stderr=True),
    )
