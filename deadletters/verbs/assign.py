"""Assigning: one person looks after the letter. It stays live, and may still be replayed or discarded."""

from typing import Any

from deadletters.errors import NotAMemberError
from deadletters.models import DeadLetter, LetterStatus
from deadletters.people import people
from deadletters.verbs.decide import check_may_act, decide


def assign(letter: DeadLetter, *, user: Any, assignee: Any, note: str = "") -> None:
    """Give the letter to a user of its tenant; one who had it before has it no longer.

    Raises: NotAMemberError; LetterDecidedError if it is closed; as `check_may_act`.
    """
    check_may_act(letter, user)
    check_belongs(letter, assignee)
    said = {"assignee": assignee.get_username(), "note": note}
    decide(letter, "assign", user=user, said=said, status=LetterStatus.ASSIGNED, assignee=assignee)
    letter.refresh_from_db()


def check_belongs(letter: DeadLetter, assignee: Any) -> None:
    """Refuse somebody who has no part in the tenant. Raises: NotAMemberError."""
    if not people().belongs(assignee, letter.tenant):
        raise NotAMemberError(f"{assignee.get_username()} does not belong to the tenant {letter.tenant}")
