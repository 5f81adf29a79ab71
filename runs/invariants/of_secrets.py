"""Invariants of secrets: no secret value of the environment is stored in a text column or an artifact."""

from collections.abc import Iterator
from typing import Any

from django.db.models import BooleanField, Func, TextField
from django.db.models.functions import Cast

from runs import secrets
from runs.invariants.breach import Breach, each, run_column
from runs.models import Artifact
from runs.models.redacted_columns import text_columns


def no_secret_is_stored() -> Iterator[Breach]:
    """I24: no known secret is stored in a text column, in any form. One query per column."""
    wanted = secrets.known_forms()
    if not wanted:
        return
    for model, field in text_columns():
        holding = model._default_manager.filter(_HoldsAny(Cast(field.name, TextField()), wanted=wanted))
        where = f"{model._meta.db_table}.{field.column}"
        yield from each(24, holding, f"{where} of row {{pk}} holds a known secret", run=run_column(model))


def no_secret_lies_in_an_artifact() -> Iterator[Breach]:
    """I24: no known secret is stored in an artifact."""
    wanted = [form.encode(errors="replace") for form in secrets.known_forms()]
    if not wanted:
        return
    for pk, run, body in Artifact.objects.order_by().values_list("pk", "run_id", "body").iterator(10):
        if any(form in bytes(body) for form in wanted):
            yield Breach(24, str(run), f"the artifact {pk} holds a known secret")


class _HoldsAny(Func):
    """Whether a text contains one of the `wanted` texts: by position, since LIKE ignores case on SQLite."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> tuple[str, tuple[Any, ...]]:
        """Build the SQL by hand, since it is needed for every column and every form of every secret."""
        text, params = compiler.compile(self.source_expressions[0])
        place = "strpos" if connection.vendor == "postgresql" else "instr"
        wanted = self.extra["wanted"]
        found = " OR ".join([f"{place}({text}, %s) > 0"] * len(wanted))
        return f"({found})", tuple(param for form in wanted for param in (*params, form))
