"""Commands over a database that is away or empty: exit code 2 and one line that says what to do, at once."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = [["reconcile"], ["reconcile", "--json"], ["check_invariants"], ["run", "clerk"], ["qcluster"]]


def away(execute, sql, params, many, context):
    raise OperationalError("connection\nrefused")


def code_of(*command):
    """Run a command; return its exit code and what it wrote."""
    said, complained = io.StringIO(), io.StringIO()
    try:
        call_command(*command, stdout=said, stderr=complained)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as end:
        return end.code, said.getvalue()
    return 0, said.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_database_that_is_away_is_exit_code_2_and_one_line(command):
    with connection.execute_wrapper(away):
        code, said = code_of(*command)

    assert code == 2 and "DATABASE_URL" in said and len(said.splitlines()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_database_that_lacks_migrations_is_exit_code_2_and_one_line(command):
    MigrationRecorder.Migration.objects.filter(app="runs").delete()

    code, said = code_of(*command)

    assert code == 2 and "manage.py migrate" in said and len(said.splitlines()) == 1


@pytest.mark.django_db
def test_doctor_exits_2_without_a_database_and_tells_the_rest():
    with connection.execute_wrapper(away):
        code, said = code_of("doctor")

    assert code == 2 and "LOOK  database" in said and "redis" in said


@pytest.mark.slow
def test_a_server_that_nobody_runs_is_not_waited_for():
    env = os.environ | {"DATABASE_URL": "postgres://nobody:secret@127.0.0.1:1/none"}

    done = subprocess.run([sys.executable, "manage.py", "reconcile"], cwd=ROOT, env=env, capture_output=True, text=True)

    assert done.returncode == 2 and "Traceback" not in done.stderr and "DATABASE_URL" in done.stderr
