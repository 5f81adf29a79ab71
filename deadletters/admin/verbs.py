"""The verbs of dead letters and causes as the console offers them: their forms, and what they call."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from deadletters.admin.scope import DeadLettersAdmin
from deadletters.decisions import assign, discard, finish_task, make_task
from deadletters.group_decisions import assign_group, ignore, reopen, resolve
from deadletters.members import member_named, names_of_members
from deadletters.models import DeadLetterStatus, GroupState
from runs.admin.kit.forms import JSONTextField, NoteForm, UtcField, form_with, note_field
from runs.admin.kit.lists import M
from runs.admin.kit.verbs import FormVerb, FormVerbsAdmin, VerbResult
from runs.errors import RunsError

COUNT_MAX = 2**31 - 1


class InputForm(forms.Form):
    """The input of a new run, as JSON."""

    input = JSONTextField(label="Other input (JSON object)")

    def clean_input(self) -> dict[str, Any]:
        """Refuse anything but an object. Raises: ValidationError."""
        value = self.cleaned_data["input"]
        if not isinstance(value, dict):
            raise ValidationError("Give a JSON object.")
        return value


StepForm = form_with(from_step=forms.IntegerField(min_value=1, max_value=COUNT_MAX, label="From step"))


class AssignForm(NoteForm):
    """The assignee."""

    assignee = forms.ChoiceField(label="Assignee")
    field_order = ["assignee", "due_at", "note"]

    def __init__(self, *args: Any, tenants: Collection[str], me: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.tenants = tenants
        names = names_of_members(tenants)
        self.fields["assignee"].choices = [(name, name) for name in dict.fromkeys([*names, me])]  # type: ignore[attr-defined]  # of its kind of field

    def clean_assignee(self) -> Any:
        """Find the user. Raises: ValidationError."""
        user = member_named(self.cleaned_data["assignee"], self.tenants)
        if user is None:
            raise ValidationError("Choose somebody who belongs to the tenant.")
        return user


class FutureField(UtcField):
    """A time that has not passed."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> datetime | None:
        """Refuse a time that has passed. Raises: ValidationError."""
        moment: datetime | None = super().clean(value)
        if moment and moment <= timezone.now():
            raise ValidationError("This time has passed; give a later one.")
        return moment


class TaskForm(AssignForm):
    """The assignee and the due time."""

    due_at = FutureField(label="Due (UTC)")


class IgnoreForm(NoteForm):
    """The end of the pause in mails."""

    until = FutureField(required=False, label="Until (UTC)")
    above_per_hour = forms.IntegerField(
        required=False, min_value=1, max_value=COUNT_MAX, label="Or until more than this many letters come in an hour"
    )
    field_order = ["until", "above_per_hour", "note"]

    def clean(self) -> dict[str, Any]:
        """Refuse to ignore something forever. Raises: ValidationError."""
        said: dict[str, Any] = super().clean() or {}
        if not self.errors and said.get("until") is None and said.get("above_per_hour") is None:
            raise ValidationError("Give a time or a rate: nothing is ignored for ever.")
        return said


OF_LETTERS: dict[str, FormVerb] = {
    "done": FormVerb(
        NoteForm, finish_task, "Done", "Done; the run stays failed.",
        hint="Close it: a person has done by hand what the run could not.", look="act--approve",
        fits=lambda letter: letter.status == DeadLetterStatus.ASSIGNED,
    ),
    "assign": FormVerb(AssignForm, assign, "Assign", "Assigned.", hint="One person looks after it. It stays live."),
    "task": FormVerb(
        TaskForm, make_task, "Make it a manual task", "It is a manual task now.",
        hint="Somebody does by hand what the run could not, by a date.",
    ),
    "discard": FormVerb(
        form_with(note=note_field("Reason why nobody needs to act")), discard, "Discard",
        "Discarded; the run stays failed.", look="act--reject",
    ),
}  # fmt: skip
OF_GROUPS: dict[str, FormVerb] = {
    "resolve": FormVerb(
        NoteForm, resolve, "Resolve", "Resolved: the next letter of this cause makes it regressed.",
        hint="The cause is gone. If it comes back, the group says so.", look="act--approve",
        fits=lambda group: group.state != GroupState.RESOLVED,
    ),
    "ignore": FormVerb(
        IgnoreForm, ignore, "Ignore", "Ignored for now: letters are kept and counted, and raise no mail.",
        hint="No mails for now. Letters are kept and counted.",
        fits=lambda group: group.state != GroupState.RESOLVED,
    ),
    "assign": FormVerb(AssignForm, assign_group, "Assign", "Assigned.", hint="One person looks after the cause."),
    "reopen": FormVerb(
        NoteForm, reopen, "Reopen", "Open again.",
        hint="Take back that it is resolved or ignored.",
        fits=lambda group: group.state in (GroupState.RESOLVED, GroupState.IGNORED),
    ),
}  # fmt: skip


class DecidedAdmin(FormVerbsAdmin[M], DeadLettersAdmin[M]):
    """Records about which people decide."""

    def tenants_involved(self, record: M) -> Collection[str]:
        """The tenants that have a part in it: to all of them belongs who is assigned."""
        raise NotImplementedError

    def form_options(self, request: HttpRequest, record: M, verb: FormVerb) -> dict[str, Any]:
        """What a form with an assignee needs: the tenants, and the signed-in user."""
        if not issubclass(verb.form, AssignForm):
            return {}
        return {"tenants": self.tenants_involved(record), "me": request.user.get_username()}

    def refuse(self, request: HttpRequest, record: M, error: RunsError) -> VerbResult:
        """Say why not; the page stays open to a user who lacks only the role in a tenant."""
        messages.error(request, f"Not done: {error}.")
        return None
