"""Replaying: the failed work goes on, or is done anew."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from deadletters.conf import letters_conf
from deadletters.errors import DeadLettersError, LetterDecidedError, ReplaysExhaustedError
from deadletters.models import IS_LIVE, DeadLetter, LetterStatus, tell
from deadletters.verbs.decide import decide, how_decided
from deadletters.work import Preview, work


def replay(letter: DeadLetter, *, user: Any, new_input: Any = None, from_step: int | None = None) -> UUID:
    """Continue the failed run, or start it anew; return the id of the run that goes on.

    Raises: LetterDecidedError if somebody was faster; ReplaysExhaustedError; NotReplayableError; what `Work.replay`
    raises, as for a user who may not.
    """
    said = {"from_step": from_step, "with": "new input" if new_input is not None else ""}
    with transaction.atomic():
        decide(letter, "replay", user=user, said=said, **_replayed_by(user))
        check_replays(letter)
        run_id = work().replay(letter.run_id, user, new_input=new_input, from_step=from_step)
        DeadLetter.objects.filter(pk=letter.pk).update(replayed_as=run_id)
    letter.refresh_from_db()
    return run_id


def close_for_retry(run_id: UUID, *, user: Any) -> None:
    """Mark the live letter of a run that is retried by its own verb, which is a replay by another name.

    Where nothing is live the newest letter decides: its work is done by hand, goes on in a fork, or was given up.

    Raises: LetterDecidedError; ReplaysExhaustedError.
    """
    letters = DeadLetter.objects.filter(run_id=run_id)
    letter = letters.select_for_update().filter(IS_LIVE).first() or letters.order_by("-failed_at").first()
    if letter:
        check_live(letter)
        check_replays(letter)
        DeadLetter.objects.filter(pk=letter.pk).update(replayed_as=run_id, **_replayed_by(user))
        tell(letter, "retry", user=user)


def preview(letter: DeadLetter, *, new_input: Any = None, from_step: int | None = None) -> Preview:
    """Say what `replay` would do with the same arguments, or why it would refuse. Changes nothing."""
    would_do = work().preview(letter.run_id, new_input=new_input, from_step=from_step)
    try:
        check_live(letter)
        check_replays(letter)
    except DeadLettersError as error:
        return replace(would_do, refusal=str(error))
    return would_do


def check_live(letter: DeadLetter) -> None:
    """Refuse a letter that is closed. Raises: LetterDecidedError."""
    if not letter.is_live:
        raise LetterDecidedError(f"the letter is already {how_decided(letter)}")


def check_replays(letter: DeadLetter) -> None:
    """Refuse what was replayed as often as it may be. Raises: ReplaysExhaustedError."""
    if letter.replays >= letters_conf().replays_max:
        raise ReplaysExhaustedError(letter.replays, letters_conf().replays_max)


def _replayed_by(user: Any) -> dict[str, Any]:
    return {"status": LetterStatus.REPLAYED, "replayed_at": Now(), "decided_at": Now(), "decided_by": user}
