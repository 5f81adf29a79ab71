"""Priority leaves the turn among tenants, and orders the lines of one tenant. A line's next move computes both."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0011_priority_across_tenants")]
    operations = [
        migrations.AddField(
            model_name="line",
            name="place",
            field=models.FloatField(
                db_default=0.0,
                default=0.0,
                help_text="Turn within the tenant: age and priority of the head, or last service.",
            ),
        ),
        migrations.RunSQL('UPDATE "runs_line" SET "place" = "key"', migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="line",
            name="key",
            field=models.FloatField(
                default=0.0, help_text="Turn among tenants: the head's age, or the tenant's last service."
            ),
        ),
        migrations.RemoveIndex(model_name="line", name="line_next"),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(condition=models.Q(("queued__gt", 0)), fields=["queue", "key"], name="line_in_turn"),
        ),
    ]
