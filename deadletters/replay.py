"""Replay a dead letter: continue its run, or do the work again in another run."""

from dataclasses import replace as changed
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from deadletters.decisions import change_live, check_live
from deadletters.errors import DeadLetterDecidedError, ReplaysExhaustedError
from deadletters.models import IS_LIVE, DeadLetter, DeadLetterStatus, record_event
from runs.conf import conf
from runs.operations.preview_replay import ReplayPreview, preview_replay
from runs.operations.replay_run import replay_run


def replay(letter: DeadLetter, *, user: Any, new_input: Any = None, from_step: int | None = None) -> UUID:
    """Continue the failed run, or start another; return the id of the active run.

    Raises: DeadLetterDecidedError if somebody was faster; ReplaysExhaustedError; as `replay_run`.
    """
    said = {"from_step": from_step, "with": "new input" if new_input is not None else ""}
    with transaction.atomic():
        change_live(letter, "replay", user=user, said=said, **_replayed_by(user))
        check_replays(letter)
        run_id = replay_run(letter.run_id, user, new_input=new_input, from_step=from_step)
        DeadLetter.objects.filter(pk=letter.pk).update(replayed_as=run_id)
    letter.refresh_from_db()
    return run_id


def close_for_retry(run_id: UUID, user: Any) -> None:
    """Close the live dead letter of a run retried through the run's own verb, which is a replay too.

    Without a live dead letter the newest one decides: its work was done by hand, continues in a fork, or was given up.

    Raises: DeadLetterDecidedError; ReplaysExhaustedError.
    """
    letters = DeadLetter.objects.filter(run_id=run_id)
    letter = letters.select_for_update().filter(IS_LIVE).first() or letters.order_by("-failed_at").first()
    if letter:
        check_live(letter)
        check_replays(letter)
        DeadLetter.objects.filter(pk=letter.pk).update(replayed_as=run_id, **_replayed_by(user))
        record_event(letter, "retry", user=user)


def preview(letter: DeadLetter, *, new_input: Any = None, from_step: int | None = None) -> ReplayPreview:
    """Say what `replay` would do with the same arguments, or why it would refuse. Changes nothing."""
    would_do = preview_replay(letter.run_id, new_input=new_input, from_step=from_step)
    try:
        check_live(letter)
        check_replays(letter)
    except (DeadLetterDecidedError, ReplaysExhaustedError) as error:
        return changed(would_do, refusal=str(error))
    return would_do


def check_replays(letter: DeadLetter) -> None:
    """Refuse a dead letter without replays left. Raises: ReplaysExhaustedError."""
    if letter.replays >= conf().replays_max:
        raise ReplaysExhaustedError(letter.replays, conf().replays_max)


def _replayed_by(user: Any) -> dict[str, Any]:
    return {"status": DeadLetterStatus.REPLAYED, "replayed_at": Now(), "decided_at": Now(), "decided_by": user}
