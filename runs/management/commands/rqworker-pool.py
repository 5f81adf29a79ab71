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
    help = "Run several `rqworker` processes over the same queues; one that dies is started again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="*", default=["agents"], help="as those of rqworker (default: agents)")
        parser.add_argument("--num-workers", type=int, default=2, help="processes (default: 2)")
        parser.add_argument("--slots", type=int, default=conf().slots, help="runs held at once by each")
        parser.add_argument("--burst", action="store_true", help="end when no run is left")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda *_: stop.set())
        burst = options["burst"]
        command = [sys.executable, sys.argv[0], "rqworker", *options["queues"], "--slots", str(options["slots"])]
        if burst:
            command.append("--burst")
        supervisor = Supervisor()
        for number in range(options["num_workers"]):
            child = Child(f"worker {number + 1}", command, restart=not burst)
            supervisor.add(child)
        while not stop.wait(0.5):
            supervisor.check()
            if burst and not any(child.is_alive() for child in supervisor.children):
                return
        supervisor.stop(conf().grace_s + 5)
