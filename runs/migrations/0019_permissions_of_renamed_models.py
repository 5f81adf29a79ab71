"""Keep who may read and change the renamed records: permissions are named after their model."""

from django.db import migrations

_RENAMED = {
    "gate": ("circuitbreaker", "circuit breaker"),
    "line": ("queuelane", "queue lane"),
    "pace": ("ratelimit", "rate limit"),  # renamed by the next migration
}
_VERBS = ("add", "change", "delete", "view")


def _rename(apps, schema_editor, old: str, new: str, words: str) -> None:
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    for verb in _VERBS:
        had = permissions.filter(content_type__app_label="runs", codename=f"{verb}_{old}")
        had.update(codename=f"{verb}_{new}", name=f"Can {verb} {words}")


def forwards(apps, schema_editor) -> None:
    for old, (new, words) in _RENAMED.items():
        _rename(apps, schema_editor, old, new, words)


def backwards(apps, schema_editor) -> None:
    for old, (new, _) in _RENAMED.items():
        _rename(apps, schema_editor, new, old, old)


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0018_error_kinds"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
