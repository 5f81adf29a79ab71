"""Health: is the process there, and can it take runs?"""

import pytest
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from runs.models import Worker


def away(execute, sql, params, many, context):
    raise OperationalError("connection refused")


def test_livez_needs_no_database_and_no_token():
    assert Client().get("/livez").json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_counts_workers_and_requires_none():
    assert not Worker.objects.exists()

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok", "workers": 0})


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


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_only_read(path):
    client = Client(enforce_csrf_checks=True)

    assert (client.head(path).status_code, client.post(path).status_code) == (200, 405)
