"""The database alone keeps what is left of a rate limit, without an election.

The old buckets knew the last seconds only. The new ones are made when they are first read, and begin empty.
"""

import django.db.models.deletion
from django.db import migrations, models

import runs.models.fields


class Migration(migrations.Migration):
    dependencies = [("runs", "0020_rename_pace_to_rate_limit")]
    operations = [
        migrations.DeleteModel("PaceKeeper"),
        migrations.DeleteModel("PaceBucket"),
        migrations.CreateModel(
            "RateLimitBucket",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", runs.models.fields.JSONText(help_text="As `runs.engine.rate_limits.bucket.Bucket`.")),
                (
                    "rate_limit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="bucket", to="runs.ratelimit"
                    ),
                ),
            ],
        ),
    ]
