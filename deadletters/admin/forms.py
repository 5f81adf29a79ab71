"""The forms of the verbs of letters and groups."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from deadletters.people import people

NOTE_MAX_CHARS = 4000
COUNT_MAX = 2**31 - 1


class InputForm(forms.Form):
    """The input of a new run, as JSON."""

    input = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"}),
        max_length=300_000,
        label="Other input (JSON object)",
    )

    def clean_input(self) -> dict[str, Any]:
        """Read the text. Raises: ValidationError that says where the JSON breaks off."""
        try:
            value = json.loads(self.cleaned_data["input"])
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"This is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValidationError("Give a JSON object.")
        return value


class StepForm(forms.Form):
    """From which step on the work is done anew."""

    from_step = forms.IntegerField(min_value=1, max_value=COUNT_MAX, label="From step")


class NoteForm(forms.Form):
    """A word about a decision."""

    note = forms.CharField(required=False, max_length=NOTE_MAX_CHARS, label="Note")


class DiscardForm(forms.Form):
    """Why nobody needs to act."""

    note = forms.CharField(max_length=NOTE_MAX_CHARS, label="Reason why nobody needs to act")


class AssignForm(NoteForm):
    """To whom."""

    assignee = forms.ChoiceField(label="Assignee")
    field_order = ["assignee", "due_at", "note"]

    def __init__(self, *args: Any, tenants: Sequence[str], me: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.tenants = tenants
        names = people().names(tenants)
        self.fields["assignee"].choices = [(name, name) for name in dict.fromkeys([*names, me])]  # type: ignore[attr-defined]

    def clean_assignee(self) -> Any:
        """Find the user. Raises: ValidationError."""
        user = people().find(self.cleaned_data["assignee"], self.tenants)
        if user is None:
            raise ValidationError("Choose somebody who belongs to the tenant.")
        return user


class FutureField(forms.DateTimeField):
    """A time that has not passed."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> datetime | None:
        """Refuse a time that has passed. Raises: ValidationError."""
        moment: datetime | None = super().clean(value)
        if moment and moment <= timezone.now():
            raise ValidationError("This time has passed; give a later one.")
        return moment


class TaskForm(AssignForm):
    """To whom, and by when."""

    due_at = FutureField(label="Due (UTC)")


class IgnoreForm(NoteForm):
    """Until when nobody is told."""

    until = FutureField(required=False, label="Until (UTC)")
    above_per_hour = forms.IntegerField(
        required=False, min_value=1, max_value=COUNT_MAX, label="Or until more than so many letters come in an hour"
    )
    field_order = ["until", "above_per_hour", "note"]

    def clean(self) -> dict[str, Any]:
        """Refuse to ignore something for ever. Raises: ValidationError."""
        said: dict[str, Any] = super().clean() or {}
        if not self.errors and said.get("until") is None and said.get("above_per_hour") is None:
            raise ValidationError("Give a time or a rate: nothing is ignored for ever.")
        return said
