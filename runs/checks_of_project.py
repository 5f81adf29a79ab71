"""System checks of the host project: what its settings and its database need, and what to write there."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import FieldDoesNotExist
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.recorder import MigrationRecorder

from runs.declarations.catalog import job_types
from runs.extensions import keeps_failures
from runs.queue.foreign_jobs import foreign_queues

_BROKERS = ("orm", "redis", "sqs", "mongo", "iron_mq", "disque_nodes", "broker_class")


@register()
def check_project(**_: Any) -> list[CheckMessage]:
    """E010 to E015, E019: the project lacks something that runs need."""
    return [error for look in (_settings, _apps, _queues, _users) for error in look()]


@register(Tags.database)
def check_database(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """E016: the database is not supported. E017: SQLite fails under several writers."""
    if DEFAULT_DB_ALIAS not in (databases or []):
        return []
    return list(_database())


def _settings() -> Iterator[Error]:
    if not settings.USE_TZ:
        yield Error(
            "USE_TZ is False, and runs need times that have a zone: leases and timers would be wrong by hours",
            hint="Write USE_TZ = True in the settings. Templates go on to show times in TIME_ZONE.",
            id="runs.E010",
        )
    q_cluster = getattr(settings, "Q_CLUSTER", {})
    if not any(q_cluster.get(name) for name in _BROKERS):
        yield Error(
            "Q_CLUSTER names no broker, so the clock would look for a Redis on this machine",
            hint="Write Q_CLUSTER = agentops.defaults.CLOCK, or add a broker to yours.",
            id="runs.E014",
        )


def _apps() -> Iterator[Error]:
    hint = 'Write INSTALLED_APPS += ["runs", "deadletters", "django_q"].'
    if not keeps_failures():
        message = "no app keeps failed runs: a run could not fail, for it becomes a dead letter as it does"
        yield Error(message, hint=hint, id="runs.E019")
    if not apps.is_installed("django_q"):
        message = "django_q is not in INSTALLED_APPS: the clock (`qcluster`) keeps its schedule in its tables"
        yield Error(message, hint=hint, id="runs.E011")
    names = [config.name for config in apps.get_app_configs()]
    for other, command in (("django_q", "qcluster"), ("django_rq", "rqworker")):
        if other in names and names.index(other) < names.index("runs"):
            yield Error(
                f"{other} comes before runs in INSTALLED_APPS, so `manage.py {command}` would not be ours",
                hint=f'Move "runs" before "{other}". Queues that are not ours are still handed to it.',
                id="runs.E012",
            )


def _queues() -> Iterator[Error]:
    hint = "Write RQ_QUEUES = agentops.defaults.queues(REDIS_URL); queues of your own stand beside them."
    if not getattr(settings, "RQ_QUEUES", None):
        yield Error("RQ_QUEUES is missing: it says where doorbells ring", hint=hint, id="runs.E013")
        return
    for name in sorted({job_type.queue for job_type in job_types()} & set(foreign_queues())):
        yield Error(
            f"RQ_QUEUES[{name!r}] is not made for runs: a worker removes everything from it but doorbells",
            hint=f"{hint} Or let the job types name another queue.",
            id="runs.E013",
        )


def _users() -> Iterator[Error]:
    people = get_user_model()
    for name in ("is_active", "is_superuser"):
        try:
            people._meta.get_field(name)
        except FieldDoesNotExist:
            yield Error(
                f"{people._meta.label} has no field {name}, by which runs know who may do what",
                hint="Let it inherit from django.contrib.auth.models.PermissionsMixin, and give it is_active.",
                id="runs.E015",
            )


def _database() -> Iterator[Error]:
    hint = 'Write DATABASES["default"] = agentops.defaults.database(DATABASES["default"]) below it.'
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor not in ("sqlite", "postgresql"):
        yield Error(
            f"the default database is {connection.display_name}; runs are kept in PostgreSQL, or in SQLite",
            hint='Point DATABASES["default"] at one of them.',
            id="runs.E016",
        )
    mode = connection.settings_dict.get("OPTIONS", {}).get("transaction_mode")
    if connection.vendor == "sqlite" and mode not in ("IMMEDIATE", "EXCLUSIVE"):
        yield Error(
            "SQLite is used with deferred transactions, which fail when several write", hint=hint, id="runs.E017"
        )


@register(Tags.database)
def check_history(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """E018: the database is from before the first release, and lacks some of the folded migrations."""
    if DEFAULT_DB_ALIAS not in (databases or []):
        return []
    try:
        applied = set(MigrationRecorder(connections[DEFAULT_DB_ALIAS]).applied_migrations())
    except OperationalError:  # the database is away, as other checks report
        return []
    return [error for app in ("runs", "deadletters") for error in _history(app, "0001_first_release", applied)]


def _history(app: str, name: str, applied: set[tuple[str, str]]) -> Iterator[Error]:
    replaced = import_module(f"{app}.migrations.{name}").Migration.replaces
    there = [old for old in replaced if old in applied]
    if (app, name) in applied or len(there) in (0, len(replaced)):
        return
    yield Error(
        f"this database was made before the first release: of the {len(replaced)} migrations of {app} that were folded "
        f"into {name} it has only {len(there)}, up to {there[-1][1]}",
        hint="It cannot be migrated. Copy what you need out of it, then point DATABASE_URL (or DATABASES) at an empty "
        "database, or move the SQLite file away, and run `manage.py migrate`.",
        id="runs.E018",
    )
