"""One pause of a scope holds at a time, so that ending it lets the scope start again."""

from django.db import migrations, models

SCOPE = ["queue", "job_type", "model", "tool"]


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0008_end_repeated_pauses"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True), ("tenant__isnull", False)),
                fields=("tenant", *SCOPE),
                name="one_pause_of_a_tenants_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="pause",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True), ("tenant__isnull", True)),
                fields=tuple(SCOPE),
                name="one_pause_of_a_scope",
            ),
        ),
    ]
