"""Tokens that are narrowed to job types; those that there are stay good for every one."""

from django.db import migrations

import runs.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0013_requester_does_not_decide"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="job_types",
            field=runs.models.fields.JSONText(
                help_text="Names of those that it may post and act on. Empty: every one.", null=True
            ),
        ),
    ]
