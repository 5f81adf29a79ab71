"""Manual tasks: a person does by hand what the run could not, by a date, and says when it is done."""

from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from deadletters.errors import LetterDecidedError
from deadletters.models import DeadLetter, LetterStatus
from deadletters.verbs.assign import check_belongs
from deadletters.verbs.decide import check_may_act, decide


def make_task(letter: DeadLetter, *, user: Any, assignee: Any, due_at: datetime, note: str = "") -> None:
    """Make the letter a manual task of a user of its tenant; `note` says what is to be done.

    Raises: NotAMemberError; LetterDecidedError if it is closed; as `check_may_act`.
    """
    check_may_act(letter, user)
    check_belongs(letter, assignee)
    said = {"assignee": assignee.get_username(), "due_at": due_at.isoformat(), "note": note}
    columns = {"status": LetterStatus.ASSIGNED, "assignee": assignee, "due_at": due_at, "note": note}
    decide(letter, "task", user=user, said=said, **columns)
    letter.refresh_from_db()


def finish_task(letter: DeadLetter, *, user: Any, note: str = "") -> None:
    """Close an assigned letter as done; the run stays failed. The assignee may always say so.

    Raises: LetterDecidedError if it is closed, or nobody's; as `check_may_act`.
    """
    if letter.assignee_id != user.pk:
        check_may_act(letter, user)
    if letter.status == LetterStatus.OPEN:
        raise LetterDecidedError("the letter is nobody's: assign it, or make it a manual task, before it can be done")
    columns = {"status": LetterStatus.ASSIGNED, "done_at": Now(), "decided_by": user, "decided_at": Now()}
    decide(letter, "done", user=user, said={"note": note}, **columns | ({"note": note} if note else {}))
    letter.refresh_from_db()
