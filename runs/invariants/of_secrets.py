"""Invariant of secrets: no value that the environment calls secret stands in any text of ours."""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import CharField, Field, Model, Q, TextField, Value
from django.db.models.functions import Cast, StrIndex

from runs import secrets
from runs.invariants.breach import CHUNK, Breach
from runs.models.fields import dump_json

_APPS = ("runs", "deadletters")


def no_secret_is_stored() -> Iterator[Breach]:
    """I24: no known secret stands in a text column. One query a column; artifacts are bytes and not read."""
    wanted = sorted({text for value in secrets.known() for text in (value, dump_json(value)[1:-1])})
    if not wanted:
        return
    for app in _APPS:
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, CharField | TextField) and not field.choices:
                    yield from _in_column(model, field, wanted)


def _in_column(model: type[Model], field: Field[object, object], wanted: list[str]) -> Iterator[Breach]:
    # By place, not by LIKE, for which SQLite takes upper and lower case as one.
    text = Cast(field.name, TextField())
    places = {f"place_{number}": StrIndex(text, Value(value)) for number, value in enumerate(wanted)}
    found = Q()
    for name in places:
        found |= Q(**{f"{name}__gt": 0})
    names = {f.name: f.attname for f in model._meta.concrete_fields}
    run = names.get("run") or names.get("run_id") or "pk"
    rows = model._default_manager.order_by().annotate(**places).filter(found)
    for pk, of_run in rows.values_list("pk", run).iterator(CHUNK):
        yield Breach(24, str(of_run), f"{model._meta.db_table}.{field.column} of row {pk} holds a known secret")


CHECKS = (no_secret_is_stored,)
