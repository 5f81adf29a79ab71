"""Help texts of redrives say dead letters, and are shown in the API's documentation."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deadletters", "0002_letter_digest"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="redrive",
            name="changed_by",
            field=models.ForeignKey(
                help_text="Empty: the redrive changed its own status.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="redrive",
            name="left_out",
            field=models.PositiveIntegerField(default=0, help_text="Matched, but beyond the maximum of one redrive."),
        ),
        migrations.AlterField(
            model_name="redrive",
            name="planned_by",
            field=models.ForeignKey(
                help_text="Dead letters are replayed in the name of this user.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
