"""Every ceiling becomes a limit of the kind `backlog`."""

from django.db import migrations

COLUMNS = ("queue", "tenant_id", "each_tenant", "most", "is_active", "note", "updated_by_id")


def move(rows, target, **more):
    for row in rows:
        made = target.create(**{name: getattr(row, name) for name in COLUMNS}, **more)
        target.filter(pk=made.pk).update(updated_at=row.updated_at)  # creating it wrote the present time
    rows.delete()


def tables(apps, schema_editor):
    database = schema_editor.connection.alias
    return [apps.get_model("runs", name).objects.using(database) for name in ("Ceiling", "Limit")]


def to_limits(apps, schema_editor):
    ceilings, limits = tables(apps, schema_editor)
    move(ceilings.all(), limits, kind="backlog")


def to_ceilings(apps, schema_editor):
    ceilings, limits = tables(apps, schema_editor)
    move(limits.filter(kind="backlog"), ceilings)


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0022_backlog_limits"),
    ]

    operations = [
        migrations.RunPython(to_limits, to_ceilings),
    ]
