"""A run that must be tried alone is quarantined."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("runs", "0015_circuit_breakers")]

    operations = [
        migrations.RemoveIndex("run", "run_next_of_line"),
        migrations.RemoveIndex("run", "run_tried_alone"),
        migrations.RenameField("run", "alone", "quarantined"),
        migrations.AlterField(
            "run",
            "quarantined",
            models.BooleanField(
                default=False,
                help_text="It took workers down at this step: only a worker that holds nothing else takes it.",
            ),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["queue", "rank"], condition=Q(status="queued", quarantined=True), name="run_quarantined"
            ),
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["line", "rank"],
                condition=Q(status="queued", quarantined=False, held_by__isnull=True),
                name="run_next_of_line",
            ),
        ),
    ]
