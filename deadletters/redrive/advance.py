"""Advance redrives in every sweep: record which replayed runs have ended, judge, send what is due.

A replay is a run like any other: queued, claimed, limited and retried with the rest. This module only decides when the
next one is queued. Each is replayed in the transaction that records it, under the lock of the redrive's row. So a crash
sends no dead letter twice and loses none, and any number of sweepers send no more than one would.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q

from deadletters.models import ItemState, Redrive, RedriveItem, RedriveStatus
from deadletters.redrive.actions import end
from deadletters.redrive.limits import ReplayAllowance, hold_of, too_many_failures
from deadletters.redrive.plan import GONE
from deadletters.replay import replay
from runs import clock
from runs.errors import NotPermittedError, RunsError
from runs.models import Run
from runs.operations.permissions import tenants_to_operate
from runs.states import RunStatus

log = logging.getLogger(__name__)

STEP_MAX = timedelta(seconds=3)  # other parts of the sweep wait: no rescue may wait longer

_RUN = Run.objects.filter(pk=OuterRef("run_id"))
_ENDED = {
    ItemState.COMPLETED: Q(Exists(_RUN.filter(status=RunStatus.COMPLETED))),
    ItemState.FAILED: Q(Exists(_RUN.filter(status=RunStatus.FAILED))),
    # A deleted run would never count as ended otherwise.
    ItemState.CANCELLED: Q(Exists(_RUN.filter(status=RunStatus.CANCELLED))) | Q(~Exists(_RUN)),
}


def advance_redrives(now: Callable[[], datetime] = clock.now) -> int:
    """Advance every redrive that needs it; a failing one does not block the others.

    `now` reads the database's clock. Returns how many dead letters were handled, or their runs found to have ended.
    """
    done = 0
    for pk in list(Redrive.objects.filter(needs_steps=True).values_list("pk", flat=True)):
        try:
            done += advance(pk, now)
        except Exception:
            log.exception("redrive %s: the step failed", pk)
    return done


def advance(redrive_id: UUID, now: Callable[[], datetime]) -> int:
    """Advance one redrive. Arguments and result as `advance_redrives`."""
    begun = now()
    done = _note_ended(redrive_id, begun)
    # Read the time again for each one: on a busy machine the allowance grows during sending.
    while (moment := now()) - begun < STEP_MAX and _judge_and_send(redrive_id, moment):
        done += 1
    return done


@transaction.atomic
def _note_ended(redrive_id: UUID, now: datetime) -> int:
    """Record which replayed runs have ended. Returns how many."""
    redrive = _locked(redrive_id)
    if redrive is None or not redrive.in_flight:
        return 0
    noted = 0
    for state, has_ended in _ENDED.items():
        count = redrive.items.filter(has_ended, state=ItemState.SENT).update(state=state, ended_at=now)
        setattr(redrive, state, getattr(redrive, state) + count)
        noted += count
    if noted:
        redrive.save()
    return noted


@transaction.atomic
def _judge_and_send(redrive_id: UUID, now: datetime) -> bool:
    """End the redrive if it is over or must stop; else send a dead letter if one is due. Returns whether to go on."""
    redrive = _locked(redrive_id)
    if redrive is None:
        return False
    _conclude(redrive, now)
    if redrive.status != RedriveStatus.RUNNING:
        redrive.save()
        return False
    allowance = ReplayAllowance(redrive.credit, redrive.credit_at).grown(now, rate_per_s=redrive.rate_per_s)
    if hold_of(redrive) or not allowance.is_enough:
        return False  # the next sweep grows the allowance from the stored one
    _send(redrive, redrive.items.filter(state=ItemState.PENDING).select_related("letter").earliest("place"), now)
    spent = allowance.spent()
    redrive.credit, redrive.credit_at = spent.credit, spent.at
    redrive.save()
    return True


def _locked(redrive_id: UUID) -> Redrive | None:
    """Lock the redrive for this transaction; None if another sweeper has it."""
    rows = Redrive.objects.select_for_update(skip_locked=True, of=("self",)).select_related("planned_by")
    return rows.filter(pk=redrive_id).first()


def _conclude(redrive: Redrive, now: datetime) -> None:
    """End a redrive that has nothing left to do, or must stop. The caller holds its lock and saves it."""
    if redrive.status == RedriveStatus.RUNNING:
        if not redrive.pending and not redrive.in_flight:
            end(redrive, RedriveStatus.COMPLETED, now)
        elif redrive.pending and (reason := too_many_failures(redrive)):
            end(redrive, RedriveStatus.STOPPED, now, reason)
    redrive.needs_steps = redrive.status == RedriveStatus.RUNNING or redrive.in_flight > 0


def _send(redrive: Redrive, item: RedriveItem, now: datetime) -> None:
    """Replay the dead letter in the planner's name, and record the result.

    A refusal skips it. If the planner may no longer replay, the redrive stops: this is checked for each one, since
    roles change and users are disabled while it runs. Raises: OperationalError or InterfaceError if the database is
    away, with nothing done.
    """
    tenants = tenants_to_operate(redrive.planned_by)
    try:
        if tenants is not None and item.letter.tenant not in tenants:
            raise NotPermittedError("the role is gone")
        item.run_id = replay(item.letter, user=redrive.planned_by)
    except (OperationalError, InterfaceError):
        raise
    except NotPermittedError:
        who, where = redrive.planned_by.get_username(), item.letter.tenant
        end(redrive, RedriveStatus.STOPPED, now, f"{who}, in whose name it replays, may not do so in {where} any more")
    except Exception as error:
        reason = GONE if isinstance(error, ObjectDoesNotExist) else str(error)
        if not isinstance(error, RunsError | ObjectDoesNotExist):  # a bug
            log.exception("letter %s was not replayed", item.letter_id)
            reason = f"{type(error).__name__}; see the log"
        item.state, item.reason = ItemState.SKIPPED, reason[:300]
        item.save(update_fields=["state", "reason"])
        redrive.skipped += 1
    else:
        item.state, item.sent_at = ItemState.SENT, now
        item.save(update_fields=["run_id", "state", "sent_at"])
        redrive.sent += 1
