from django.db import migrations

import runs.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0002_run_tried_alone"),
    ]

    operations = [
        migrations.AddField(
            model_name="pendingaction",
            name="evidence",
            field=runs.models.fields.JSONText(
                help_text="Of an outcome: {begun_at, last_heartbeat_at, worker, may_arrive_until}.", null=True
            ),
        ),
    ]
