"""Tenants have weights; a priority granted across tenants becomes one: level 6 is 2 runs a turn, level 9 is 5."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0027_enforce_hold_reason")]
    operations = [
        migrations.AddField(
            model_name="tenant",
            name="weight",
            field=models.PositiveSmallIntegerField(
                blank=True,
                db_default=1,
                default=1,
                help_text="Runs that it may start in each of its turns in a queue, while other tenants wait.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100),
                ],
            ),
        ),
        migrations.RunSQL(
            'UPDATE "runs_tenant" SET "weight" = "cross_tenant_priority" - 4',
            'UPDATE "runs_tenant" SET "cross_tenant_priority" = CASE WHEN "weight" < 5 THEN "weight" + 4 ELSE 9 END',
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 1), ("weight__lte", 100)), name="tenant_weight_1_to_100"
            ),
        ),
        migrations.RemoveConstraint(model_name="tenant", name="tenant_priority_5_to_9"),
        migrations.RemoveField(model_name="tenant", name="cross_tenant_priority"),
    ]
