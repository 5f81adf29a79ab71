from django.db import migrations

import runs.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0003_pendingaction_evidence"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="cancellation",
            field=runs.models.fields.JSONText(
                help_text="{cost_usd when it was asked, last_effect {seq, tool, effect_key, status}}", null=True
            ),
        ),
    ]
