"""`rqworker agents`: a worker over some queues. Recovery and timers run inside it."""

from argparse import SUPPRESS, ArgumentParser
from itertools import pairwise
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from runs.conf import conf
from runs.queue.foreign_jobs import foreign_queues, own_queues
from runs.queue.queue_weights import read_weights
from runs.worker.quarantine import OPTION
from runs.worker.serve import serve, serve_quarantined

_OURS = "the worker is agentops' own, and runs nothing that lies in Redis"
_ENDS = "a worker holds many runs at once and ends when told to, or with --burst"
_MEANINGLESS = {  # options of django-rq's command
    "--worker-class": _OURS,
    "--queue-class": _OURS,
    "--job-class": _OURS,
    "--serializer": _OURS,
    "--worker-ttl": "a heartbeat in the database says that it lives",
    "--max-jobs": _ENDS,
    "--max-idle-time": _ENDS,
    "--pid": "let a process manager look after it; the console lists process ids",
}


class Command(BaseCommand):
    help = (
        "Work on runs of the given queues, in that order, or by their weights (critical=3 default=2). Needs no Redis; "
        "doorbells only make it look sooner."
    )

    def run_from_argv(self, argv: list[str]) -> None:
        """Pass the project's own queues to django-rq's command, with its options."""
        named = {word for before, word in pairwise(argv[1:]) if before != "--name"}
        if named & set(foreign_queues()) and not named & set(own_queues()):
            from django_rq.management.commands.rqworker import Command as CommandOfDjangoRQ

            CommandOfDjangoRQ().run_from_argv(argv)
        else:
            super().run_from_argv(argv)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "queues", nargs="*", default=["agents"], help="queue names, each with =WEIGHT or without (default: agents)"
        )
        parser.add_argument("--slots", type=int, help=f"runs held at once (default: {conf().slots})")
        parser.add_argument("--grace", type=float, help=f"seconds for a stop (default: {conf().grace_s:g})")
        parser.add_argument("--burst", action="store_true", help="end when no run is left")
        parser.add_argument("--name", help="name of the worker (default: host and process id)")
        parser.add_argument(OPTION, action="store_true", help="only try runs that took workers down, one at a time")
        parser.add_argument("--with-scheduler", action="store_true", help="accepted: timers always run")
        for option in _MEANINGLESS:
            parser.add_argument(option, help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        for option, why in _MEANINGLESS.items():
            if options[option.removeprefix("--").replace("-", "_")] is not None:
                raise CommandError(f"{option} means nothing here: {why}", returncode=2)
        try:
            weights = read_weights(options["queues"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if unknown := [queue for queue in weights if queue not in own_queues()]:
            raise CommandError(
                f"no queue {unknown[0]!r} for runs; there are {', '.join(own_queues())}. Name more of them in "
                "AGENTOPS_QUEUES=a,b (RQ_QUEUES, in a project of your own)"
            )
        if options["slots"] is not None and options["slots"] < 1:
            raise CommandError("--slots must be at least 1")
        if options["quarantine"]:
            serve_quarantined(list(weights))
        self.stdout.write(f"worker on {', '.join(options['queues'])}")
        self.stdout.flush()
        serve(
            weights,
            slots=options["slots"],
            name=options["name"],
            burst=options["burst"],
            grace_s=options["grace"],
        )
