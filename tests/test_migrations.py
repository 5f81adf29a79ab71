"""Databases from before the first release, which were made by many migrations, go on with the few of today."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

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
