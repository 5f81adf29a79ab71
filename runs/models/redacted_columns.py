"""The guard of all text columns: no text is stored with a secret in it.

It stands in the fields themselves, so that no way of writing forgets it: `save`, `bulk_create`, `update`, and the SQL
of `runs.models.sql`. Every text column of these apps has it, a new one too, unless its values are names of ours.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import CharField, Field, JSONField, Model, TextField

from runs.models.fields import JSONText
from runs.storable import storable, storable_text

APPS = ("runs", "deadletters")

# Names that code declares or makes, and hashes. Nobody can write a secret there; and a value that is a secret by
# mistake (`AGENTOPS_SECRET_X=realtime`) must not make a queue unknown.
OUR_NAMES = frozenset(
    {
        *("queue", "queues", "lane", "job_type", "model", "model_class", "provider", "slug", "tenant"),
        *(
            "origin",
            "on_conflict",
            "effect_key",
            "cache_ttl",
            "price_version",
            "fingerprint",
            "version",
            "verb",
            "actor",
        ),
        *("hash", "body_hash", "arguments_hash", "result_hash", "bound_hash", "unique_key", "sha256"),
    }
)


def text_columns() -> Iterator[tuple[type[Model], Field[Any, Any]]]:
    """List every column of these apps that holds text which is not one of a few choices."""
    for app in filter(apps.is_installed, APPS):
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, CharField | TextField | JSONField) and not field.choices:
                    yield model, field


def is_redacted(field: Field[Any, Any]) -> bool:
    """Say whether what is written to this column passes the guard."""
    is_text = isinstance(field, CharField | TextField | JSONField) and not field.choices
    return is_text and field.name not in OUR_NAMES


def stored(field: Field[Any, Any], value: Any) -> Any:
    """Return a value as the column holds it. Expressions of the database are left alone."""
    if not is_redacted(field) or not isinstance(value, str | dict | list | tuple | int) or isinstance(value, bool):
        return value
    if isinstance(field, JSONText | JSONField):
        return storable(value)
    if not isinstance(value, str):
        return value
    text = storable_text(value)
    is_longer = field.max_length is not None and len(text) > field.max_length
    return text[: field.max_length] if is_longer and text != value else text


def redact_columns() -> None:
    """Put the guard into the fields. Called once, when all models are known."""
    for _, field in text_columns():
        if is_redacted(field):
            _redact(field)


def _redact(field: Any) -> None:
    prepare, read = type(field).get_db_prep_save, type(field).pre_save

    def get_db_prep_save(value: Any, connection: Any) -> Any:
        return prepare(field, stored(field, value), connection)

    def pre_save(instance: Model, add: bool) -> Any:
        """As the row is stored, so the object is from then on."""
        value = stored(field, read(field, instance, add))
        setattr(instance, field.attname, value)
        return value

    field.get_db_prep_save, field.pre_save = get_db_prep_save, pre_save
