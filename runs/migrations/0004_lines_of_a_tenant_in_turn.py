"""The lines of one tenant share a key when it was served: the last service of each decides between them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_policy_times_within_a_year")]
    operations = [
        migrations.RemoveIndex(model_name="line", name="line_turn"),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(
                condition=models.Q(("queued__gt", 0)), fields=["queue", "key", "served_at"], name="line_next"
            ),
        ),
    ]
