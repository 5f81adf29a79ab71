"""Discarding: nobody needs to act, and the run stays failed."""

from typing import Any

from django.db.models.functions import Now

from deadletters.models import DeadLetter, LetterStatus
from deadletters.verbs.decide import check_may_act, decide


def discard(letter: DeadLetter, *, user: Any, note: str) -> None:
    """Close the letter without a replay; `note` says why.

    Raises: LetterDecidedError if somebody was faster; as `check_may_act`.
    """
    check_may_act(letter, user)
    columns = {"status": LetterStatus.DISCARDED, "decided_by": user, "decided_at": Now(), "note": note}
    decide(letter, "discard", user=user, said={"note": note}, **columns)
    letter.refresh_from_db()
