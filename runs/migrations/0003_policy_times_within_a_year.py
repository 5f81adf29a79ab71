"""The times of approval policies are a year at most: what lies beyond the calendar could neither expire nor be told."""

from django.db import migrations, models

_YEAR_S = 365 * 24 * 3600
_COLUMNS = ("expires_s", "remind_every_s")


def cut_times(apps, schema_editor):
    """Cut what is longer, also where open actions have taken it over. Policies are few, and so are such actions."""
    policies, actions = apps.get_model("runs", "ApprovalPolicy"), apps.get_model("runs", "PendingAction")
    for column in _COLUMNS:
        policies.objects.filter(**{f"{column}__gt": _YEAR_S}).update(**{column: _YEAR_S})
    actions.objects.filter(status="open", remind_every_s__gt=_YEAR_S).update(remind_every_s=_YEAR_S)


class Migration(migrations.Migration):
    dependencies = [("runs", "0002_steady_tables")]
    operations = [
        migrations.RunPython(cut_times, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_s__isnull", True), ("expires_s__lte", _YEAR_S), _connector="OR"),
                name="policy_expires_within_a_year",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("remind_every_s__isnull", True), ("remind_every_s__lte", _YEAR_S), _connector="OR"),
                name="policy_reminds_within_a_year",
            ),
        ),
    ]
