"""`token --tenant SLUG`: an API token, printed alone."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from runs.errors import InvalidInputError
from runs.models import DEFAULT_SCOPES
from runs.operations.accounts import make_token


class Command(BaseCommand):
    help = "Issue an API token, making tenant and user if they are missing; prints the token and nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--user", metavar="NAME", help="default: the tenant's service account")
        parser.add_argument("--scopes", metavar="A,B", help=f"default: {','.join(DEFAULT_SCOPES)}")
        parser.add_argument("--job-types", metavar="A,B", help="those that it may post and act on; default: every one")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            token = make_token(
                tenant_slug=options["tenant"],
                username=options["user"],
                scopes=_names(options["scopes"]),
                job_types=_names(options["job_types"]),
            )
        except InvalidInputError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"the database is not ready ({error}); run `manage.py migrate` first") from error
        self.stdout.write(token)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
