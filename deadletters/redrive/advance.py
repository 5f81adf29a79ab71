"""The step of a redrive that every sweeper takes: note what has ended, judge, send what is due.

Each letter is replayed in the transaction that writes it down, under the lock of the redrive's row. So a crash
sends no letter twice and loses none, and any number of sweepers send no more than one would.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from deadletters.models import ItemState, Redrive, RedriveItem, RedriveStatus
from deadletters.redrive.allowance import Allowance
from deadletters.redrive.judge import conclude, hold_of
from deadletters.redrive.send import send
from deadletters.work import Outcome, work

log = logging.getLogger(__name__)

STEP_MAX = timedelta(seconds=3)  # other parts of the sweep wait: no rescue shall wait for longer
_BATCH = 500
_STATES = {
    Outcome.COMPLETED: ItemState.COMPLETED,
    Outcome.FAILED: ItemState.FAILED,
    Outcome.CANCELLED: ItemState.CANCELLED,
}


def advance_redrives(now: Callable[[], datetime]) -> int:
    """Take one step of every redrive that needs one; one that fails does not hold up the others.

    `now` tells the database's time. Returns how many letters were dealt with, or their runs found to have ended.
    """
    done = 0
    for pk in list(Redrive.objects.filter(needs_steps=True).values_list("pk", flat=True)):
        try:
            done += advance(pk, now)
        except Exception:
            log.exception("redrive %s: the step failed", pk)
    return done


def advance(redrive_id: UUID, now: Callable[[], datetime]) -> int:
    """Take one step of a redrive. Arguments and result as `advance_redrives`."""
    begun = now()
    done = _note_ended(redrive_id, begun)
    # Time is asked for again at each letter: on a busy machine the allowance grows while letters are sent.
    while (moment := now()) - begun < STEP_MAX and _judge_and_send(redrive_id, moment):
        done += 1
    return done


def _note_ended(redrive_id: UUID, now: datetime) -> int:
    """Write down which replayed runs have ended. Returns how many."""
    ended = _ended(redrive_id)
    if not ended:
        return 0
    noted = 0
    with transaction.atomic():
        redrive = _locked(redrive_id)
        if redrive is None:
            return 0
        for state, pks in ended.items():
            count = redrive.items.filter(pk__in=pks, state=ItemState.SENT).update(state=state, ended_at=now)
            setattr(redrive, state, getattr(redrive, state) + count)
            noted += count
        redrive.save()
    return noted


def _ended(redrive_id: UUID) -> dict[ItemState, list[int]]:
    """Ask what has become of the runs under way. Shape: ids of items by their new state."""
    sent = list(RedriveItem.objects.filter(redrive_id=redrive_id, state=ItemState.SENT).values_list("pk", "run_id"))
    ended: dict[ItemState, list[int]] = defaultdict(list)
    for start in range(0, len(sent), _BATCH):
        batch = [(pk, run_id) for pk, run_id in sent[start : start + _BATCH] if run_id]
        outcomes = work().outcomes([run_id for _, run_id in batch])
        for pk, run_id in batch:
            outcome = outcomes.get(run_id, Outcome.CANCELLED)  # a run that is gone will not end otherwise
            if outcome != Outcome.OPEN:
                ended[_STATES[outcome]].append(pk)
    return ended


def _judge_and_send(redrive_id: UUID, now: datetime) -> bool:
    """End the redrive if it is over or must stop; else send a letter if one is due. Returns whether to look again."""
    with transaction.atomic():
        redrive = _locked(redrive_id)
        if redrive is None:
            return False
        conclude(redrive, now)
        if redrive.status != RedriveStatus.RUNNING:
            redrive.save()
            return False
        allowance = Allowance(redrive.credit, redrive.credit_at).grown(now, rate_per_s=redrive.rate_per_s)
        if hold_of(redrive) or not allowance.is_enough:
            return False  # the allowance grows from what is stored, whoever looks next
        send(redrive, redrive.items.filter(state=ItemState.PENDING).select_related("letter").earliest("place"), now)
        spent = allowance.spent()
        redrive.credit, redrive.credit_at = spent.credit, spent.at
        redrive.save()
    return True


def _locked(redrive_id: UUID) -> Redrive | None:
    """Take the redrive for this transaction; None: another sweeper has it, and does what is due."""
    rows = Redrive.objects.select_for_update(skip_locked=True, of=("self",)).select_related("planned_by")
    return rows.filter(pk=redrive_id).first()
