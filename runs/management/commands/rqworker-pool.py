"""`rqworker-pool agents --num-workers 4`: several workers, restarted when they die."""  # noqa: N999 (the command's public name)

import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from runs.conf import conf
from runs.worker.supervisor import Child, Supervisor


class Command(BaseCommand):
    """Run several worker processes."""

    help = "Run several `rqworker` processes over the same queues; one that dies is started again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("queues", nargs="*", default=["agents"], help="as those of rqworker (default: agents)")
        parser.add_argument("--num-workers", type=int, default=2, help="processes (default: 2)")
        parser.add_argument("--slots", type=int, default=conf().slots, help="runs held at once by each")
        parser.add_argument("--burst", action="store_true", help="end when no run is left")

    def handle(self, *args: Any, **options: Any) -> None:
        """Supervise until told to stop."""
        stop = threading.Event()
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda *_: stop.set())
        command = [
            sys.executable,
            sys.argv[0],
            "rqworker",
            *options["queues"],
            "--slots",
            str(options["slots"]),
        ]
        supervisor = Supervisor()
        burst = options["burst"]
        for number in range(options["num_workers"]):
            supervisor.add(
                Child(f"worker {number + 1}", [*command, *(["--burst"] if burst else [])], restart=not burst)
            )
        while not stop.wait(0.5):
            supervisor.check()
            if burst and not any(child.is_alive() for child in supervisor.children):
                return
        supervisor.stop(conf().grace_s + 5)
