"""The first check of every command that needs the database."""

from django.core.management.base import CommandError

from runs.operations.readiness import database_problem


def require_database() -> None:
    """Exit with one line and code 2 if the database is away or not migrated."""
    if problem := database_problem():
        raise CommandError(problem, returncode=2)
