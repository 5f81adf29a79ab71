"""The forms with which people decide a pending action, or hand it on."""

from collections.abc import Sequence
from typing import Any

from django import forms

from runs.admin.kit.forms import JSONTextField, form_with, note_field, short_text_field

_NOTE = note_field("Note", required=False)


def _usd(label: str) -> forms.DecimalField:
    return forms.DecimalField(min_value=0, max_digits=14, decimal_places=8, label=label)


ApproveForm = form_with(
    arguments=JSONTextField(label="Arguments (JSON; edit to approve others)"),
    note=_NOTE,
    seen=forms.CharField(required=False, widget=forms.HiddenInput),  # the hash of what the page has shown
)
RaiseForm = form_with(max_cost_usd=_usd("New ceiling of the run, in USD"), note=_NOTE)
RaisePeriodForm = form_with(raise_usd=_usd("More for this budget, in this period only, in USD"), note=_NOTE)
RejectForm = form_with(note=note_field("Reason (the agent reads it)"))
ResolveForm = form_with(
    outcome=forms.ChoiceField(
        choices=[
            ("happened", "It happened, with the result below"),
            ("did_not_happen", "It did not happen: run it again under the same effect key"),
        ],
        widget=forms.RadioSelect,
    ),
    result=JSONTextField(required=False, label="Result (JSON), as the tool would have given it"),
    note=_NOTE,
)
AnswerForm = form_with(
    text=forms.CharField(strip=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 4}), label="Answer"),
    end=forms.BooleanField(required=False, label="Last word: complete the run without asking the model again"),
)
AskForm = form_with(text=short_text_field("What do you need to know?"))
ReplyForm = form_with(text=short_text_field("What should they know?"))


class ReassignForm(forms.Form):
    """Who is to look."""

    to = forms.ChoiceField(label="Who is to decide?")

    def __init__(self, *args: Any, people: Sequence[Any] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        names = [person.get_username() for person in people]
        self.fields["to"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # of its kind of field
