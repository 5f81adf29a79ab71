"""What every command that needs the database asks first."""

from django.core.management.base import CommandError

from runs.operations.readiness import database_problem


def require_database() -> None:
    """End the command with one line and exit code 2 if the database is away or not migrated."""
    if problem := database_problem():
        raise CommandError(problem, returncode=2)
