"""Up to which priority a tenant's runs rank before those of others: an operator's grant."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0010_lost_worker")]
    operations = [
        migrations.AddField(
            model_name="tenant",
            name="cross_tenant_priority",
            field=models.PositiveSmallIntegerField(
                blank=True,
                db_default=5,
                default=5,
                help_text="Runs of this tenant rank before those of others by their priority, up to this one; 5: by none.",
                validators=[
                    django.core.validators.MinValueValidator(5),
                    django.core.validators.MaxValueValidator(9),
                ],
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("cross_tenant_priority__gte", 5), ("cross_tenant_priority__lte", 9)),
                name="tenant_priority_5_to_9",
            ),
        ),
    ]
