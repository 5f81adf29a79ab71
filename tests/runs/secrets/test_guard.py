"""The guard of the columns, over all models: a new column has it without anybody thinking of it."""

import pytest
from django.db import connection

from runs.models import Run
from runs.models.redacted_columns import OUR_NAMES, is_redacted, text_columns
from runs.models.sql import adapt
from tests.runs.secrets.canary import KNOWN, LEAK, leaks

COLUMNS = {f"{model._meta.label_lower}.{field.name}": (model, field) for model, field in text_columns()}
GUARDED = [name for name, (_, field) in COLUMNS.items() if is_redacted(field)]

pytestmark = pytest.mark.usefixtures("canary")


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("write", ["the ORM", "SQL by hand"])
def test_a_column_takes_no_secret(name, write):
    model, field = COLUMNS[name]

    for value in (LEAK, {KNOWN: [LEAK]} if field.get_internal_type() == "TextField" else LEAK):
        if isinstance(value, dict) and type(field).__name__ != "JSONText":
            continue
        text = field.get_db_prep_save(value, connection) if write == "the ORM" else adapt(model, field.name, value)
        assert "[redacted]" in text or len(text) == field.max_length
        assert leaks(text) == []
        assert field.max_length is None or len(text) <= field.max_length


def test_only_names_of_ours_are_left_out():
    """Free text never is: what is added here is declared or made by code, and by nobody else."""
    left_out = {field.name for _, field in COLUMNS.values() if not is_redacted(field)}

    assert left_out <= OUR_NAMES
    assert left_out.isdisjoint(
        {"input", "output", "metadata", "arguments", "result", "error", "reason", "note", "data"}
    )


def test_a_secret_that_is_a_name_of_ours_makes_no_queue_unknown(post, monkeypatch, work):
    monkeypatch.setenv("AGENTOPS_SECRET_ODD", "squares")
    monkeypatch.setenv("AGENTOPS_SECRET_ODDER", "realtime")

    post("squares", input={"upto": 1})
    work()

    assert Run.objects.get().status == "completed"


@pytest.mark.django_db
def test_an_object_holds_what_its_row_holds(post):
    run = post("clerk")
    run.progress_message, run.output = LEAK, {"a": LEAK}
    run.save()

    stored = Run.objects.get()
    assert (run.progress_message, run.output) == (stored.progress_message, stored.output)
    assert leaks(str(run.output)) == []
