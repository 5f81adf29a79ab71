"""`token --tenant SLUG`: an API token, printed alone."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from runs.errors import InvalidInputError
from runs.operations.accounts import make_token


class Command(BaseCommand):
    """Issue an API token."""

    help = "Issue an API token, making tenant and user if they are missing; prints the token and nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--user", metavar="NAME", help="default: the tenant's service account")
        parser.add_argument("--scopes", metavar="A,B", help="default: every scope")

    def handle(self, *args: Any, **options: Any) -> None:
        """Issue and print."""
        scopes = options["scopes"]
        try:
            token = make_token(
                tenant_slug=options["tenant"],
                username=options["user"],
                scopes=None if scopes is None else [scope.strip() for scope in scopes.split(",") if scope.strip()],
            )
        except InvalidInputError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"the database is not ready ({error}); run `manage.py migrate` first") from error
        self.stdout.write(token)
