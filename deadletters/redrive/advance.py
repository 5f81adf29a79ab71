"""The step of a redrive that every sweeper takes: note what has ended, judge, send what is due.

Each letter is replayed in the transaction that writes it down, under the lock of the redrive's row. So a crash
sends no letter twice and loses none, and any number of sweepers send no more than one would.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from deadletters.models import ItemState, Redrive, RedriveItem, RedriveStatus
from deadletters.redrive.allowance import Allowance
from deadletters.redrive.judge import conclude, hold_of
from deadletters.redrive.send import send
from deadletters.work import Outcome, work

log = logging.getLogger(__name__)

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
            done += advance(pk, now())
        except Exception:
            log.exception("redrive %s: the step failed", pk)
    return done


def advance(redrive_id: UUID, now: datetime) -> int:
    """Take one step of a redrive. Returns as `advance_redrives`."""
    done = _note_ended(redrive_id, now)
    while _send_next(redrive_id, now):
        done += 1
    return done


def _note_ended(redrive_id: UUID, now: datetime) -> int:
    """Write down which replayed runs have ended, and whether the redrive is over."""
    ended, are_open = _ended(redrive_id)
    if are_open and not ended:
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
        conclude(redrive, now)
        redrive.save()
    return noted


def _ended(redrive_id: UUID) -> tuple[dict[ItemState, list[int]], bool]:
    """Ask what has become of the runs under way. Shape: ids of items by their new state; whether any run was."""
    sent = list(RedriveItem.objects.filter(redrive_id=redrive_id, state=ItemState.SENT).values_list("pk", "run_id"))
    ended: dict[ItemState, list[int]] = defaultdict(list)
    for start in range(0, len(sent), _BATCH):
        batch = [(pk, run_id) for pk, run_id in sent[start : start + _BATCH] if run_id]
        outcomes = work().outcomes([run_id for _, run_id in batch])
        for pk, run_id in batch:
            outcome = outcomes.get(run_id, Outcome.CANCELLED)  # a run that is gone will not end otherwise
            if outcome != Outcome.OPEN:
                ended[_STATES[outcome]].append(pk)
    return ended, bool(sent)


def _send_next(redrive_id: UUID, now: datetime) -> bool:
    """Send one letter if one is due, or say that it cannot be. Returns whether to look for another."""
    with transaction.atomic():
        redrive = _locked(redrive_id)
        if redrive is None or redrive.status != RedriveStatus.RUNNING or hold_of(redrive):
            return False
        allowance = Allowance(redrive.credit, redrive.credit_at).grown(now, rate_per_s=redrive.rate_per_s)
        if not allowance.is_enough:
            return False  # it grows from what is stored, whoever looks next
        item = redrive.items.filter(state=ItemState.PENDING).select_related("letter").order_by("place").first()
        if item is None:
            return False
        send(redrive, item, now)
        spent = allowance.spent()
        redrive.credit, redrive.credit_at = spent.credit, spent.at
        conclude(redrive, now)
        redrive.save()
    return redrive.status == RedriveStatus.RUNNING


def _locked(redrive_id: UUID) -> Redrive | None:
    """Take the redrive for this transaction; None: another sweeper has it, and does what is due."""
    rows = Redrive.objects.select_for_update(skip_locked=True, of=("self",)).select_related("planned_by")
    return rows.filter(pk=redrive_id).first()
