"""Health: is the process there, and can it take runs?"""

import resource
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from runs.models import Worker

SESSION = "SET SESSION CHARACTERISTICS AS TRANSACTION READ"


def away(execute, sql, params, many, context):
    raise OperationalError("connection refused")


def test_livez_needs_no_database_and_no_token():
    assert Client().get("/livez").json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_counts_workers_and_requires_none():
    assert not Worker.objects.exists()

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "database": "ok", "redis": "away", "workers": 0},
    )


@pytest.mark.django_db
def test_readyz_is_503_while_migrations_are_missing():
    [(app, newest)] = MigrationExecutor(connection).loader.graph.leaf_nodes("runs")
    MigrationRecorder.Migration.objects.get(app=app, name=newest).delete()

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["database"]) == (503, "1 migrations missing")


@pytest.mark.django_db
def test_readyz_is_503_while_the_database_is_away():
    with connection.execute_wrapper(away):
        answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["database"]) == (503, "away")


@pytest.fixture
def read_only():
    """A session that may write nothing, as on a standby or a file system that went read-only."""
    sqlite = connection.vendor == "sqlite"
    on, off = (
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF") if sqlite else (f"{SESSION} ONLY", f"{SESSION} WRITE")
    )
    with connection.cursor() as cursor:
        cursor.execute(on)
    yield
    with connection.cursor() as cursor:
        cursor.execute(off)


@pytest.mark.django_db(transaction=True)
def test_readyz_is_503_while_the_database_is_read_only(read_only):
    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["database"]) == (503, "read-only")


@pytest.mark.django_db
def test_readyz_is_503_without_room_beside_sqlite(no_room):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's disk is elsewhere")
    with no_room:
        answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["database"]) == (503, "no room on its disk: File too large")
    assert Client().get("/readyz").status_code == 200


@pytest.fixture
def no_room():
    """The kernel lets this process write no file larger than half a megabyte: as good as a full disk, and real."""

    @contextmanager
    def limited():
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512 * 1024, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited()


@pytest.mark.django_db
def test_who_started_a_server_knows_its_answer(monkeypatch):
    monkeypatch.setenv("AGENTOPS_INSTANCE", "one")

    assert Client().get("/readyz").headers["Agentops-Instance"] == "one"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_only_read(path):
    client = Client(enforce_csrf_checks=True)

    assert (client.head(path).status_code, client.post(path).status_code) == (200, 405)
