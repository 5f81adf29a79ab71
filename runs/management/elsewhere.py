"""Commands of django-rq and django-q2 that have nothing to act on here: they say so, and what does the work instead."""

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError


class ElsewhereCommand(BaseCommand):
    """Refuse, and name the command or page that does what was wanted. Exits 2."""

    requires_system_checks: list[Any] = []  # nothing is done that they could protect
    instead = ""

    def run_from_argv(self, argv: list[str]) -> None:
        """Refuse whatever options the real command takes."""
        asks = [word for word in argv[2:] if word in {"-h", "--help"}]
        super().run_from_argv([*argv[:2], *asks])

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say in the help what its `help` says."""
        parser.description = f"{self.help} {self.instead}"

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse."""
        raise CommandError(f"{self.help} {self.instead}", returncode=2)
