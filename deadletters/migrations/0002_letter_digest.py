"""Counting the letters that came since a mail, so that one mail can tell of them once its pause is over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deadletters", "0001_first_release"),
    ]

    operations = [
        migrations.AddField(
            model_name="deadletter",
            name="untold",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="Letters of its cause and tenant since it was mailed, of which no mail tells.",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(condition=models.Q(("untold__gt", 0)), fields=["mailed_at"], name="letter_digest_due"),
        ),
    ]
