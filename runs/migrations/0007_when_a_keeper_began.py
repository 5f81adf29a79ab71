"""When the present keeper of paces began, so that it knows whether it takes over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0006_budget_ceiling_at_reserve"),
    ]

    operations = [
        migrations.AddField(
            model_name="pacekeeper",
            name="changed_at",
            field=models.DateTimeField(help_text="When this epoch began.", null=True),
        ),
    ]
