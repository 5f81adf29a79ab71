"""Whether runs can be accepted now: the database answers, is migrated, takes writes, and has disk space."""

from pathlib import Path
from tempfile import TemporaryFile

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from runs.queue.doorbell import redis_answers

_ROOM_BYTES = 1024 * 1024  # less free space than this beside SQLite's file counts as full


def why_not_ready() -> str | None:
    """Say what is wrong with the database, in words safe for anybody to read; None if runs can be accepted."""
    try:
        if missing := missing_migrations():
            return f"{missing} migrations missing"
    except DatabaseError as error:
        return _read_only_or(error, "away")
    try:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE runs_worker SET held = held WHERE 1 = 0")  # fails on a read-only database
    except DatabaseError as error:
        return _read_only_or(error, "takes no writes")
    return _why_no_room() if connection.vendor == "sqlite" else None


def redis_state() -> str:
    """Return `ok` or `away`. Without Redis runs are still picked up, at most two seconds later."""
    try:
        redis_answers()
    except (RedisError, OSError):
        return "away"
    return "ok"


def missing_migrations() -> int:
    """Count the migrations that the database lacks. Raises: DatabaseError."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def database_problem() -> str | None:
    """Say in one line why a command cannot run, and what to do; None if it can. Does not wait for a server."""
    try:
        if connection.vendor == "postgresql":
            import psycopg  # only where PostgreSQL is used

            # Without the pool, which would retry until its timeout.
            with connection.wrap_database_errors:
                psycopg.connect(**connection.get_connection_params()).close()
        missing = missing_migrations()
    except DatabaseError as error:
        return f"the database does not answer ({' '.join(str(error).split())}): look at DATABASE_URL"
    return f"the database lacks {missing} migrations: run `manage.py migrate`" if missing else None


def _why_no_room() -> str | None:
    """Write a little beside SQLite's file and discard it: a full disk, a quota and a read-only folder all fail."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        file = cursor.fetchone()[2]
    if not file:
        return None  # the database is in memory
    try:
        with TemporaryFile(dir=Path(file).parent) as room:
            room.write(bytes(_ROOM_BYTES))
            room.flush()
    except OSError as error:
        return f"no room on its disk: {error.strerror}"
    return None


def _read_only_or(error: Exception, otherwise: str) -> str:
    said = str(error).lower()
    return "read-only" if "readonly" in said or "read-only" in said else otherwise
