"""Databases of earlier states go on with the migrations of today, or are refused in words."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from runs.states import RunStatus
from tests.databases import environment, fresh_database

FIRST = "0001_first_release"


def say_it_was_made_by(app, names):
    applied = MigrationRecorder.Migration.objects
    applied.filter(app=app, name=FIRST).delete()
    applied.bulk_create(MigrationRecorder.Migration(app=app, name=name) for name in names)


@pytest.mark.django_db
@pytest.mark.parametrize("app", ["runs", "deadletters"])
def test_a_database_that_the_old_migrations_made_misses_nothing(app):
    replaced = [name for _, name in MigrationExecutor(connection).loader.disk_migrations[app, FIRST].replaces]
    say_it_was_made_by(app, replaced)

    executor = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)

    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


HISTORY = """
    CREATE TABLE django_migrations (
        app varchar(255), name varchar(255), id integer DEFAULT 1, applied timestamp DEFAULT CURRENT_TIMESTAMP
    );
"""
KEPT = Path(__file__).parent / "kept"
GRANTS = """
    INSERT INTO auth_user_user_permissions (user_id, permission_id)
    SELECT u.id, p.id FROM auth_user u, auth_permission p
    WHERE u.username = 'root' AND p.codename IN ('view_line', 'change_gate', 'add_pace');
"""


def fill(address, script):
    """Run a script of SQL in an empty database."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(address.removeprefix("sqlite:///"))) as database:
            database.executescript(script)
    else:
        with psycopg.connect(address) as database:
            database.execute(script)


def migrated(address, **more):
    """Migrate a database in a process of its own."""
    env = environment(address, ANTHROPIC_BASE_URL="http://127.0.0.1:1", ANTHROPIC_API_KEY="none", **more)
    command = [sys.executable, "-m", "tests.kept.migrate"]
    return subprocess.run(command, env=env, cwd=KEPT.parents[1], capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("state", ["2026_11_30"])
def test_a_kept_database_goes_through_every_later_migration(state, tmp_path):
    with fresh_database(tmp_path) as address:
        fill(address, (KEPT / f"{state}.{connection.vendor}.sql").read_text())
        fill(address, GRANTS)

        done = migrated(address)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["breaches"] == []
    assert set(RunStatus) - set(report["statuses"]) == {"waiting_for_children"}, "there were none yet"
    assert set(report["open"]) == {"approval", "budget", "outcome", "question"}
    assert report["backlogs"] == [["agents", 1000, "root"]], "the ceiling of then"
    assert report["granted"] == ["add_ratelimit", "change_circuitbreaker", "view_queuelane"], "of renamed records"


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("app", "there"),
    [("runs", ["0001_initial"]), ("runs", ["0001_initial", "0009_gates"]), ("deadletters", ["0001_initial"])],
)
def test_a_database_with_only_some_of_the_folded_migrations_is_refused_in_words(app, there, tmp_path):
    with fresh_database(tmp_path) as address:
        fill(
            address,
            HISTORY
            + "".join(f"INSERT INTO django_migrations (app, name) VALUES ('{app}', '{name}');" for name in there),
        )

        done = migrated(address)

    assert done.returncode != 0
    assert "runs.E018" in done.stderr and f"it has only {len(there)}, up to {there[-1]}" in done.stderr
    assert "KeyError" not in done.stderr
