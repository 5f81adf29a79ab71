"""Say of each run that is held by which of the old columns it is; a limit was a pace in what such a run notes."""

import json

from django.db import migrations, models
from django.db.models.functions import Cast


def forwards(apps, schema_editor) -> None:
    runs = apps.get_model("runs", "Run").objects.using(schema_editor.connection.alias)
    queued = runs.filter(status="queued")
    queued.filter(quarantined=True, held_by=None).update(hold_reason="quarantine")
    queued.filter(held_by__isnull=False, pace_need=None).update(hold_reason="circuit")
    queued.filter(held_by__isnull=False, pace_need__isnull=False).update(hold_reason="rate")
    _rename_key(runs, "pace", "rate_limit")


def backwards(apps, schema_editor) -> None:
    runs = apps.get_model("runs", "Run").objects.using(schema_editor.connection.alias)
    runs.filter(hold_reason="quarantine").update(quarantined=True)
    _rename_key(runs, "rate_limit", "pace")


def _rename_key(runs, old: str, new: str) -> None:
    """Rename a member of the few needs that are stored."""
    noted = runs.filter(pace_need__isnull=False).annotate(text=Cast("pace_need", models.TextField()))
    for pk, text in noted.order_by().values_list("pk", "text"):
        need = json.loads(text)
        if old in need:
            need[new] = need.pop(old)
            runs.filter(pk=pk).update(pace_need=need)


class Migration(migrations.Migration):
    dependencies = [("runs", "0025_hold_reason")]

    operations = [migrations.RunPython(forwards, backwards)]
