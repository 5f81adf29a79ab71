"""What all verbs of a letter share: who may, only while it is live, and one line in the audit trail."""

from typing import Any

from django.db import transaction

from deadletters.errors import LetterDecidedError
from deadletters.models import IS_LIVE, DeadLetter, LetterStatus, tell
from deadletters.people import people


def check_may_act(letter: DeadLetter, user: Any) -> None:
    """Refuse who may not deal with this letter. Raises: what `People.check_may_act` raises."""
    people().check_may_act(user, tenant=letter.tenant, run_id=letter.run_id)


@transaction.atomic
def decide(letter: DeadLetter, verb: str, *, user: Any, said: dict[str, Any], **columns: Any) -> None:
    """Change a live letter and write down who did so.

    Never read and then written: of two people at the same moment, one is told that the other was faster.

    Raises: LetterDecidedError if the letter is no longer live.
    """
    if not DeadLetter.objects.filter(IS_LIVE, pk=letter.pk).update(**columns):
        letter.refresh_from_db()
        raise LetterDecidedError(f"the letter is already {how_decided(letter)}")
    tell(letter, verb, user=user, **said)


def how_closed(letter: DeadLetter) -> str:
    """Say in a word how a letter was closed."""
    return "done" if letter.status == LetterStatus.ASSIGNED else letter.status


def how_decided(letter: DeadLetter) -> str:
    """Say how a letter was closed, by whom and when."""
    word = how_closed(letter)
    who = f" by {letter.decided_by.get_username()}" if letter.decided_by else ""
    when = f" at {letter.decided_at:%Y-%m-%d %H:%M:%S} UTC" if letter.decided_at else ""
    return f"{word}{who}{when}"
