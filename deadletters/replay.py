"""Dealing with a letter: replay or discard, each decided once."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from deadletters.errors import LetterDecidedError
from deadletters.models import LIVE, DeadLetter, LetterStatus
from deadletters.work import work


def replay(letter: DeadLetter, *, user: Any, new_input: Any = None, from_step: int | None = None) -> UUID:
    """Continue the failed run, or start it anew; return the id of the run that goes on.

    Raises: LetterDecidedError if somebody was faster; NotReplayableError; what `Work.replay` raises.
    """
    with transaction.atomic():
        _decide(letter, LetterStatus.REPLAYED, user=user, replayed_at=Now())
        run_id = work().replay(letter.run_id, user, new_input=new_input, from_step=from_step)
        DeadLetter.objects.filter(pk=letter.pk).update(replayed_as=run_id)
    letter.refresh_from_db()
    return run_id


def discard(letter: DeadLetter, *, user: Any, note: str) -> None:
    """Close the letter without a replay; the run stays failed.

    Raises: LetterDecidedError if somebody was faster.
    """
    _decide(letter, LetterStatus.DISCARDED, user=user, note=note)
    letter.refresh_from_db()


def close_for_retry(run_id: UUID, *, user: Any) -> None:
    """Mark the live letter of a run that is retried by its own verb."""
    DeadLetter.objects.filter(run_id=run_id, status__in=LIVE).update(
        status=LetterStatus.REPLAYED, replayed_at=Now(), replayed_as=run_id, decided_by=user
    )


def _decide(letter: DeadLetter, status: LetterStatus, *, user: Any, **columns: Any) -> None:
    decided = DeadLetter.objects.filter(pk=letter.pk, status__in=LIVE).update(status=status, decided_by=user, **columns)
    if not decided:
        letter.refresh_from_db()
        raise LetterDecidedError(f"the letter is already {letter.status}")
