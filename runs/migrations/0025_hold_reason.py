"""What holds a queued run is one column. It is filled next, and enforced after that."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0024_delete_ceiling")]

    operations = [
        migrations.AddField(
            "run",
            "hold_reason",
            models.CharField(
                blank=True,
                choices=[("quarantine", "quarantine"), ("circuit", "circuit"), ("rate", "rate")],
                default="",
                help_text="Queued, but no ordinary claim takes it: why. Empty: it may start.",
                max_length=16,
            ),
            preserve_default=False,
        )
    ]
