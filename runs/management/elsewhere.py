"""Replace commands of django-rq and django-q2 that have nothing to act on here: name what does the work instead.

In a project with its own queues or cluster they keep their original behaviour.
"""

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import load_command_class
from django.core.management.base import BaseCommand, CommandError

from runs.queue.foreign_jobs import foreign_queues


class ElsewhereCommand(BaseCommand):
    """Refuse, and name the command or page to use instead. Exits 2."""

    requires_system_checks: list[Any] = []  # the command does nothing
    package = "django_rq"
    instead = ""

    def run_from_argv(self, argv: list[str]) -> None:
        """Refuse with any options, or pass them on to the real command."""
        q_cluster = getattr(settings, "Q_CLUSTER", {})
        is_used = foreign_queues() if self.package == "django_rq" else q_cluster.get("name") != "agentops"
        if is_used:  # by the project, for work of its own
            load_command_class(self.package, argv[1]).run_from_argv(argv)
            return
        asks = [word for word in argv[2:] if word in {"-h", "--help"}]
        super().run_from_argv([*argv[:2], *asks])

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say in the help what its `help` says."""
        parser.description = f"{self.help} {self.instead}"

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse."""
        raise CommandError(f"{self.help} {self.instead}", returncode=2)
