"""A lane knows when its tenant's last turn ended, in place of two keys that mixed arrivals, services and priority."""

from django.db import migrations, models

_FILL = """
    UPDATE "runs_queuelane" SET "turn_ended_at" = (
        SELECT MAX(l."served_at") FROM "runs_queuelane" l
        WHERE l."queue" = "runs_queuelane"."queue" AND l."tenant_id" = "runs_queuelane"."tenant_id"
    )
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0028_weights_of_tenants")]
    operations = [
        migrations.AddField(
            model_name="queuelane",
            name="turn_ended_at",
            field=models.FloatField(
                db_default=0.0, default=0.0, help_text="When its tenant's last turn in the queue ended, Unix time."
            ),
        ),
        migrations.AddField(
            model_name="queuelane",
            name="turn_runs",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="Runs that its tenant has started in the present turn."
            ),
        ),
        migrations.RunSQL(_FILL, 'UPDATE "runs_queuelane" SET "key" = "turn_ended_at", "place" = "served_at"'),
        migrations.RemoveIndex(model_name="queuelane", name="lane_in_turn"),
        migrations.AddIndex(
            model_name="queuelane",
            index=models.Index(
                condition=models.Q(("queued__gt", 0)), fields=["queue", "turn_ended_at", "id"], name="lane_in_turn"
            ),
        ),
        migrations.RemoveField(model_name="queuelane", name="key"),
        migrations.RemoveField(model_name="queuelane", name="place"),
    ]
