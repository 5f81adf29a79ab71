"""A failed try counts by its kind of error."""

from django.db import migrations, models

from runs.models.fields import JSONText


class Migration(migrations.Migration):
    dependencies = [("runs", "0017_queue_lanes")]

    operations = [
        migrations.RenameField("modelcall", "trouble", "error_kind"),
        migrations.AlterField(
            "modelcall",
            "error_kind",
            models.CharField(
                blank=True, help_text="The kind that a failed try counts as: see `ErrorKind`.", max_length=16
            ),
        ),
        migrations.AlterField(
            "run",
            "failed_tries",
            JSONText(default=dict, help_text="The same, by kind of error: timeout, rate_limit, service."),
        ),
    ]
