"""A pace becomes a rate limit. Its permissions were renamed just before."""

import django.core.validators
from django.db import migrations, models

import runs.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0019_permissions_of_renamed_models"),
    ]
    operations = [
        migrations.RenameModel("Pace", "RateLimit"),
        migrations.RemoveConstraint("ratelimit", "one_pace_each"),
        migrations.RemoveConstraint("ratelimit", "pace_asks_something"),
        migrations.RemoveConstraint("ratelimit", "pace_lets_tokens_pass"),
        migrations.RemoveConstraint("ratelimit", "pace_ramp_not_negative"),
        migrations.AddConstraint(
            "ratelimit",
            models.UniqueConstraint(fields=["provider", "workspace", "model_class"], name="one_rate_limit_each"),
        ),
        migrations.AddConstraint(
            "ratelimit",
            models.CheckConstraint(
                condition=models.Q(requests_per_minute__isnull=True) | models.Q(requests_per_minute__gt=0),
                name="rate_limit_asks_something",
            ),
        ),
        migrations.AddConstraint(
            "ratelimit",
            models.CheckConstraint(
                condition=(models.Q(input_tokens_per_minute__isnull=True) | models.Q(input_tokens_per_minute__gt=0))
                & (models.Q(output_tokens_per_minute__isnull=True) | models.Q(output_tokens_per_minute__gt=0)),
                name="rate_limit_lets_tokens_pass",
            ),
        ),
        migrations.AddConstraint(
            "ratelimit", models.CheckConstraint(condition=models.Q(ramp_s__gte=0), name="rate_limit_ramp_not_negative")
        ),
        migrations.AlterField(
            "ratelimit",
            "ramp_s",
            models.FloatField(
                default=30.0,
                help_text="After a minute without calls the rate ramps up from a tenth over this many seconds.",
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.AlterField(
            "run",
            "pace_need",
            runs.models.fields.JSONText(
                help_text="It waits, or has waited, for a rate limit: {model, pace, input_tokens, output_tokens}.",
                null=True,
            ),
        ),
    ]
