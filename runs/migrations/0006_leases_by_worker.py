"""An index on `lease_expires_at` kept every heartbeat from being a heap-only update; few rows are running."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0005_steady_tables")]
    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=models.Q(("status", "running")), fields=["worker"], name="run_held"),
        ),
        migrations.RemoveIndex(model_name="run", name="run_leases"),
    ]
