"""Ceilings are limits of the kind `backlog` now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0023_ceilings_to_backlog_limits"),
    ]

    operations = [
        migrations.DeleteModel(name="Ceiling"),
    ]
