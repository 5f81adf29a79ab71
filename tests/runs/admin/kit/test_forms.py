"""Fields of the console's forms."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from deadletters.admin.redrive_forms import FilterForm
from deadletters.admin.verbs import IgnoreForm, TaskForm
from runs.admin.approval_rule import GrantForm
from runs.admin.pause import PauseForm

LABELLED_UTC = [
    (form, name)
    for form in (FilterForm, IgnoreForm, TaskForm, GrantForm, PauseForm)
    for name, field in form.base_fields.items()
    if "(UTC)" in str(field.label)
]


@pytest.mark.parametrize(("form", "name"), LABELLED_UTC)
def test_a_time_labelled_utc_is_read_as_utc_whatever_the_time_zone_of_the_project(form, name):
    with timezone.override("Asia/Tokyo"):
        assert form.base_fields[name].clean("2999-12-24 18:00") == datetime(2999, 12, 24, 18, tzinfo=UTC)


def test_every_form_with_a_time_is_looked_at():
    assert len(LABELLED_UTC) == 6
