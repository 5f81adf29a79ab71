"""Service accounts do not approve what they posted: the policy `service` becomes `never`."""

from django.db import migrations, models


def service_to_never(apps, schema_editor):
    apps.get_model("runs", "ApprovalPolicy").objects.filter(self_approval="service").update(self_approval="never")


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0012_place_within_the_tenant"),
    ]

    operations = [
        migrations.RunPython(service_to_never, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="approvalpolicy",
            name="self_approval",
            field=models.CharField(
                choices=[("never", "never"), ("always", "always")],
                default="never",
                help_text="Who may approve runs of their own.",
                max_length=8,
            ),
        ),
    ]
