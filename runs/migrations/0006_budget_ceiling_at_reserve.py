"""The ceiling under which something was last reserved, against which the invariant of budgets is held."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0005_rated_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="budgetperiod",
            name="held_under_usd",
            field=models.DecimalField(
                decimal_places=8,
                default=None,
                help_text="The ceiling, as it was when something was last reserved.",
                max_digits=18,
                null=True,
            ),
        ),
    ]
