"""Storage of the tables that change all the time: room on their pages, vacuum early. PostgreSQL only."""

from django.db import migrations

_TIGHT = (
    "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200, autovacuum_analyze_scale_factor = 0.05"
)
_STORAGE = {
    "runs_run": f"fillfactor = 80, {_TIGHT}",
    "runs_step": f"fillfactor = 85, {_TIGHT}",
    # A few rows, each updated by every move of a run, and read by every claim.
    "runs_line": "fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200",
    "runs_worker": "fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200",
}


def _names(parameters):
    return ", ".join(part.split("=")[0].strip() for part in parameters.split(","))


def set_storage(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, parameters in _STORAGE.items():
            schema_editor.execute(f"ALTER TABLE {table} SET ({parameters})")


def reset_storage(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, parameters in _STORAGE.items():
            schema_editor.execute(f"ALTER TABLE {table} RESET ({_names(parameters)})")


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_first_release")]
    operations = [migrations.RunPython(set_storage, reset_storage, elidable=False)]
