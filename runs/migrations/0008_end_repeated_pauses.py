"""Of several pauses of one scope the one that holds longest stays: the constraint behind this allows one."""

from django.db import migrations
from django.db.models import F
from django.db.models.functions import Now


def end_repeated(apps, schema_editor):
    pauses = apps.get_model("runs", "Pause").objects.using(schema_editor.connection.alias)
    standing = set()
    for pause in pauses.filter(ended_at=None).order_by(F("until").desc(nulls_first=True), "paused_at"):
        scope = (pause.tenant_id, pause.queue, pause.job_type, pause.model, pause.tool)
        if scope in standing:
            pauses.filter(pk=pause.pk).update(ended_at=Now())
        standing.add(scope)


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0007_when_a_keeper_began"),
    ]

    operations = [
        migrations.RunPython(end_repeated, migrations.RunPython.noop),
    ]
