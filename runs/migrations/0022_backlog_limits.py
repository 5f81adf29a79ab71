"""Limits have the kind `backlog`, one for each queue, tenant or each tenant; limits and pauses share their selector."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0021_rate_limit_buckets"),
    ]

    operations = [
        migrations.AlterField(
            model_name="limit",
            name="each_tenant",
            field=models.BooleanField(default=False, help_text="For each tenant, instead of for all together."),
        ),
        migrations.AlterField(
            model_name="limit",
            name="kind",
            field=models.CharField(
                choices=[("concurrency", "concurrency"), ("rate", "rate"), ("backlog", "backlog")],
                default="concurrency",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="limit",
            name="most",
            field=models.PositiveIntegerField(help_text="Runs at once, starts within `per_s`, or runs that wait."),
        ),
        migrations.AlterField(
            model_name="limit",
            name="tenant",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: all tenants.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="%(class)ss",
                to="runs.tenant",
            ),
        ),
        migrations.AlterField(
            model_name="limit",
            name="tool",
            field=models.CharField(blank=True, help_text="Calls of this tool. Empty: runs, not calls.", max_length=200),
        ),
        migrations.AlterField(
            model_name="pause",
            name="job_type",
            field=models.CharField(blank=True, help_text="Empty: every job type.", max_length=100),
        ),
        migrations.AlterField(
            model_name="pause",
            name="model",
            field=models.CharField(blank=True, help_text="Of the agents' declarations. Empty: any.", max_length=100),
        ),
        migrations.AlterField(
            model_name="pause",
            name="queue",
            field=models.CharField(blank=True, help_text="Empty: every queue.", max_length=64),
        ),
        migrations.AlterField(
            model_name="pause",
            name="tenant",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: all tenants.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="%(class)ss",
                to="runs.tenant",
            ),
        ),
        migrations.AlterField(
            model_name="pause",
            name="tool",
            field=models.CharField(blank=True, help_text="Calls of this tool. Empty: runs, not calls.", max_length=200),
        ),
        migrations.AddConstraint(
            model_name="limit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "backlog"), _negated=True),
                    models.Q(("job_type", ""), ("model", ""), ("tool", ""), models.Q(("queue", ""), _negated=True)),
                    _connector="OR",
                ),
                name="backlog_limit_of_a_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="limit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "backlog"), ("each_tenant", False), ("tenant__isnull", True)),
                fields=("queue",),
                name="one_backlog_limit_of_a_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="limit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "backlog"), ("each_tenant", True)),
                fields=("queue",),
                name="one_backlog_limit_of_each_tenant",
            ),
        ),
        migrations.AddConstraint(
            model_name="limit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "backlog")),
                fields=("queue", "tenant"),
                name="one_backlog_limit_of_a_tenant",
            ),
        ),
    ]
