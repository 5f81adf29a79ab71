"""A system check of the migration history: a database with only some of the folded migrations cannot be migrated."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.recorder import MigrationRecorder

_FOLDED = (("runs", "0001_first_release"), ("deadletters", "0001_first_release"))


@register(Tags.database)
def check_history(databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
    """E018: the database is from before the first release, and lacks some of the folded migrations."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        applied = set(MigrationRecorder(connections[DEFAULT_DB_ALIAS]).applied_migrations())
    except OperationalError:  # the database is away, as other checks report
        return []
    return [error for app, name in _FOLDED if (error := _error(app, name, applied))]


def _error(app: str, name: str, applied: set[tuple[str, str]]) -> Error | None:
    replaced = import_module(f"{app}.migrations.{name}").Migration.replaces
    there = [old for old in replaced if old in applied]
    if (app, name) in applied or len(there) in (0, len(replaced)):
        return None
    return Error(
        f"this database was made before the first release: of the {len(replaced)} migrations of {app} that were folded "
        f"into {name} it has only {len(there)}, up to {there[-1][1]}",
        hint="It cannot be migrated. Copy what you need out of it, then point DATABASE_URL (or DATABASES) at an empty "
        "database, or move the SQLite file away, and run `manage.py migrate`.",
        id="runs.E018",
    )
