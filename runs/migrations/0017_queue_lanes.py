"""Waiting lines are lanes of their queue."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("runs", "0016_quarantined_runs")]

    operations = [
        migrations.RemoveConstraint("line", "one_line_each"),
        migrations.RemoveConstraint("line", "line_counts_not_negative"),
        migrations.RemoveIndex("run", "run_next_of_line"),
        migrations.RenameIndex("line", old_name="line_in_turn", new_name="lane_in_turn"),
        migrations.RenameIndex("line", old_name="line_last_served", new_name="lane_last_served"),
        migrations.RenameModel("Line", "QueueLane"),
        migrations.RenameField("run", "line", "queue_lane"),
        migrations.AlterField(
            "queuelane",
            "tenant",
            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="lanes", to="runs.tenant"),
        ),
        migrations.AlterField(
            "queuelane",
            "queued",
            models.IntegerField(
                default=0, help_text="Those that any slot may take: neither quarantined nor held back."
            ),
        ),
        migrations.AlterField("run", "rank", models.FloatField(help_text="Place within its lane; smaller first.")),
        migrations.AddConstraint(
            "queuelane",
            models.UniqueConstraint(fields=["queue", "tenant", "job_type"], name="one_lane_each"),
        ),
        migrations.AddConstraint(
            "queuelane",
            models.CheckConstraint(condition=Q(queued__gte=0) & Q(running__gte=0), name="lane_counts_not_negative"),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["queue_lane", "rank"],
                condition=Q(status="queued", quarantined=False, held_by__isnull=True),
                name="run_next_of_lane",
            ),
        ),
    ]
