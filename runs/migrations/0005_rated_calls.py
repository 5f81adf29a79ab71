"""The calls that a rate of a tool counts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0004_lines_of_a_tenant_in_turn"),
    ]

    operations = [
        migrations.CreateModel(
            name="RatedCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "limit",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="runs.limit"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="runs.tenant"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["limit", "tenant", "at"], name="rated_call_window")],
            },
        ),
    ]
