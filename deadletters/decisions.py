"""Decide about one dead letter, besides replaying it: assign it, make it a task, finish it, discard it."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from deadletters.errors import DeadLetterDecidedError
from deadletters.members import check_belongs, check_may_act
from deadletters.models import IS_LIVE, DeadLetter, DeadLetterStatus, record_event


def assign(letter: DeadLetter, *, user: Any, assignee: Any, note: str = "") -> None:
    """Assign a dead letter to a user of its tenant. It stays live: it may still be replayed or discarded.

    Raises: NotAMemberError; DeadLetterDecidedError if it is closed; NotPermittedError.
    """
    check_may_act(letter, user)
    check_belongs(assignee, [letter.tenant])
    said = {"assignee": assignee.get_username(), "note": note}
    _decide(letter, "assign", user=user, said=said, status=DeadLetterStatus.ASSIGNED, assignee=assignee)


def make_task(letter: DeadLetter, *, user: Any, assignee: Any, due_at: datetime, note: str = "") -> None:
    """Make it a manual task of a user of its tenant; `note` says what to do.

    Raises: NotAMemberError; DeadLetterDecidedError if it is closed; NotPermittedError.
    """
    check_may_act(letter, user)
    check_belongs(assignee, [letter.tenant])
    said = {"assignee": assignee.get_username(), "due_at": due_at.isoformat(), "note": note}
    columns = {"status": DeadLetterStatus.ASSIGNED, "assignee": assignee, "due_at": due_at, "note": note}
    _decide(letter, "task", user=user, said=said, **columns)


def finish_task(letter: DeadLetter, *, user: Any, note: str = "") -> None:
    """Close an assigned dead letter as done: a person did what the run could not. The run stays failed.

    The assignee may always do this. Raises: DeadLetterDecidedError if it is closed or unassigned; NotPermittedError.
    """
    if letter.assignee_id != user.pk:
        check_may_act(letter, user)
    if letter.status == DeadLetterStatus.OPEN:
        raise DeadLetterDecidedError(
            "the letter is nobody's: assign it, or make it a manual task, before it can be done"
        )
    columns = {"status": DeadLetterStatus.ASSIGNED, "done_at": Now(), "decided_by": user, "decided_at": Now()}
    _decide(letter, "done", user=user, said={"note": note}, **columns | ({"note": note} if note else {}))


def discard(letter: DeadLetter, *, user: Any, note: str) -> None:
    """Close a dead letter without a replay; `note` says why nobody needs to act. The run stays failed.

    Raises: DeadLetterDecidedError if somebody was faster; NotPermittedError.
    """
    check_may_act(letter, user)
    columns = {"status": DeadLetterStatus.DISCARDED, "decided_by": user, "decided_at": Now(), "note": note}
    _decide(letter, "discard", user=user, said={"note": note}, **columns)


@transaction.atomic
def change_live(letter: DeadLetter, verb: str, *, user: Any, said: dict[str, Any], **columns: Any) -> None:
    """Change a live dead letter and record by whom, in one compare-and-set: the second of two people is refused.

    Raises: DeadLetterDecidedError if it is no longer live.
    """
    if not DeadLetter.objects.filter(IS_LIVE, pk=letter.pk).update(**columns):
        letter.refresh_from_db()
        raise DeadLetterDecidedError(f"the letter is already {how_decided(letter)}")
    record_event(letter, verb, user=user, **said)


def _decide(letter: DeadLetter, verb: str, *, user: Any, said: dict[str, Any], **columns: Any) -> None:
    change_live(letter, verb, user=user, said=said, **columns)
    letter.refresh_from_db()  # not before the commit: what is rolled back must not show


def check_live(letter: DeadLetter) -> None:
    """Refuse a dead letter that is closed. Raises: DeadLetterDecidedError."""
    if not letter.is_live:
        raise DeadLetterDecidedError(f"the letter is already {how_decided(letter)}")


def how_closed(letter: DeadLetter) -> str:
    """Name in one word how a dead letter was closed."""
    return "done" if letter.status == DeadLetterStatus.ASSIGNED else letter.status


def how_decided(letter: DeadLetter) -> str:
    """Say how a dead letter was closed, by whom and when."""
    who = f" by {letter.decided_by.get_username()}" if letter.decided_by else ""
    when = f" at {letter.decided_at:%Y-%m-%d %H:%M:%S} UTC" if letter.decided_at else ""
    return f"{how_closed(letter)}{who}{when}"
