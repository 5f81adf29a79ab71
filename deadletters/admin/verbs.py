"""The verbs as the console offers them: a form, what it calls, what it says when it is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms

from deadletters.admin.forms import AssignForm, DiscardForm, IgnoreForm, NoteForm, TaskForm
from deadletters.models import DeadLetter, GroupState, LetterGroup, LetterStatus
from deadletters.verbs.assign import assign
from deadletters.verbs.discard import discard
from deadletters.verbs.group import assign_group, ignore, reopen, resolve
from deadletters.verbs.task import finish_task, make_task


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: posted from its form, offered when `fits`."""

    form: type[forms.Form]
    call: Callable[..., None]
    button: str
    done: str
    hint: str = ""
    look: str = ""  # a class of the button
    fits: Callable[[Any], bool] = field(default=lambda _: True)


def _is_assigned(letter: DeadLetter) -> bool:
    return letter.status == LetterStatus.ASSIGNED


def _is_unresolved(group: LetterGroup) -> bool:
    return group.state != GroupState.RESOLVED


def _is_put_away(group: LetterGroup) -> bool:
    return group.state in (GroupState.RESOLVED, GroupState.IGNORED)


OF_LETTERS: dict[str, Verb] = {
    "done": Verb(
        NoteForm, finish_task, "Done", "Done; the run stays failed.",
        hint="Close it: a person has done by hand what the run could not.", look="act--approve", fits=_is_assigned,
    ),
    "assign": Verb(AssignForm, assign, "Assign", "Assigned.", hint="One person looks after it. It stays live."),
    "task": Verb(
        TaskForm, make_task, "Make it a manual task", "It is a manual task now.",
        hint="Somebody does by hand what the run could not, by a date.",
    ),
    "discard": Verb(DiscardForm, discard, "Discard", "Discarded; the run stays failed.", look="act--reject"),
}  # fmt: skip
OF_GROUPS: dict[str, Verb] = {
    "resolve": Verb(
        NoteForm, resolve, "Resolve", "Resolved: the next letter of this cause makes it regressed.",
        hint="The cause is gone. If it comes back, the group says so.", look="act--approve", fits=_is_unresolved,
    ),
    "ignore": Verb(
        IgnoreForm, ignore, "Ignore", "Ignored for now: letters are kept and counted, and raise no mail.",
        hint="No mails for now. Letters are kept and counted.", fits=_is_unresolved,
    ),
    "assign": Verb(AssignForm, assign_group, "Assign", "Assigned.", hint="One person looks after the cause."),
    "reopen": Verb(
        NoteForm, reopen, "Reopen", "Open again.",
        hint="Take back that it is resolved or ignored.", fits=_is_put_away,
    ),
}  # fmt: skip


def form_of(verb: Verb, name: str, data: Any = None, *, tenants: Sequence[str], me: str) -> forms.Form:
    """Build the form of a verb."""
    options: dict[str, Any] = {"auto_id": f"{name}-%s"}
    if issubclass(verb.form, AssignForm):
        options |= {"tenants": tenants, "me": me}
    return verb.form(data, **options)
