"""Dealing with a letter: replay or discard, each decided once.

This app does not know what a run is. Whoever makes letters registers here how they are replayed; nothing is
ever imported by a name read from a row.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from deadletters.errors import LetterDecidedError, NotReplayableError
from deadletters.models import DeadLetter, LetterStatus

Replayer = Callable[[UUID, Any, Any], UUID]
"""`(run_id, user, input or None) -> id of the run that goes on`."""

_replayers: list[Replayer] = []

LIVE = (LetterStatus.OPEN, LetterStatus.ASSIGNED)


def register_replayer(replayer: Replayer) -> None:
    """Tell how the runs of the letters are replayed. The last one told wins."""
    _replayers.append(replayer)


def replay(letter: DeadLetter, *, user: Any, new_input: Any = None) -> UUID:
    """Continue the failed run, or start it anew with other input; return the id of the run that goes on.

    Raises: LetterDecidedError if somebody was faster; NotReplayableError; what the replayer raises.
    """
    if not _replayers:
        raise NotReplayableError("no replayer is registered")
    with transaction.atomic():
        _decide(letter, LetterStatus.REPLAYED, user=user, replayed_at=Now())
        run_id = _replayers[-1](letter.run_id, user, new_input)
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
