"""Tell a worker that died from one that stopped."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0009_one_pause_of_a_scope"),
    ]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="lost",
            field=models.BooleanField(
                default=False, help_text="It died instead of stopping: killed, out of memory, or its machine."
            ),
        ),
    ]
