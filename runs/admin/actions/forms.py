"""The forms with which people decide a pending action, or hand it on."""

from collections.abc import Sequence
from typing import Any

from django import forms

from runs.admin.kit.forms import JSONTextField, NoteForm, note_form, words_field


def _usd(label: str) -> forms.DecimalField:
    return forms.DecimalField(min_value=0, max_digits=14, decimal_places=8, label=label)


class ApproveForm(NoteForm):
    """Approve with the arguments as they stand, or as edited here."""

    arguments = JSONTextField(label="Arguments (JSON; edit to approve others)")
    seen = forms.CharField(required=False, widget=forms.HiddenInput)  # the hash of what the page has shown
    field_order = ["arguments", "note", "seen"]


class RaiseForm(NoteForm):
    """Approve a new ceiling."""

    max_cost_usd = _usd("New ceiling of the run, in USD")
    field_order = ["max_cost_usd", "note"]


class RaisePeriodForm(NoteForm):
    """Add to a budget."""

    raise_usd = _usd("More for this budget, in this period only, in USD")
    field_order = ["raise_usd", "note"]


RejectForm = note_form("Reason (the agent is told)")


class ResolveForm(NoteForm):
    """Say whether a call happened."""

    outcome = forms.ChoiceField(
        choices=[
            ("happened", "It happened, with the result below"),
            ("did_not_happen", "It did not happen: run it again under the same effect key"),
        ],
        widget=forms.RadioSelect,
        label="Outcome",
    )
    result = JSONTextField(required=False, label="Result (JSON), as the tool would have given it")
    field_order = ["outcome", "result", "note"]


class AnswerForm(forms.Form):
    """Answer a question."""

    text = forms.CharField(strip=False, max_length=100_000, widget=forms.Textarea(attrs={"rows": 4}), label="Answer")
    end = forms.BooleanField(required=False, label="Last word: complete the run without asking the model again")


class AskForm(forms.Form):
    """What somebody needs to know."""

    text = words_field("What do you need to know?")


class ReplyForm(forms.Form):
    """What deciders should know."""

    text = words_field("What should they know?")


class ReassignForm(forms.Form):
    """Who is to look."""

    to = forms.ChoiceField(label="Who is to decide?")

    def __init__(self, *args: Any, people: Sequence[Any] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        names = [person.get_username() for person in people]
        self.fields["to"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # of its kind of field
