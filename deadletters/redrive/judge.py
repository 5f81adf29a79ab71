"""Judging a redrive by its counts: what holds it back, whether it must stop, whether it is over."""

import logging
from datetime import datetime

from deadletters.models import ItemState, Redrive, RedriveStatus
from deadletters.redrive.exclusions import ENDED_BEFORE

log = logging.getLogger(__name__)


def hold_of(redrive: Redrive) -> str:
    """Tell what keeps the next letter from being sent, whatever the rate; empty if nothing does."""
    if not redrive.pending:
        return f"{redrive.in_flight} replayed runs have not ended" if redrive.in_flight else ""
    if redrive.sent >= redrive.canary > redrive.ended:
        return f"the first {redrive.canary} are awaited before more is sent: {redrive.ended} have ended"
    if redrive.in_flight >= redrive.concurrency:
        return f"{redrive.in_flight} replayed runs have not ended, and no more may be under way at once"
    return ""


def too_many_failures(redrive: Redrive) -> str:
    """Tell that a larger share has failed again than is allowed; judged on as many as the canary, or more."""
    if redrive.ended < redrive.canary:
        return ""
    percent = 100 * redrive.failed / redrive.ended
    if percent <= redrive.stop_above_percent:
        return ""
    share = f"{redrive.failed} of {redrive.ended} replayed runs failed again"
    return f"{share}: {percent:.0f} %, more than {redrive.stop_above_percent} %"


def conclude(redrive: Redrive, now: datetime) -> None:
    """End a redrive that has nothing left to do, or must stop. The caller holds its lock, and saves it."""
    if redrive.status == RedriveStatus.RUNNING:
        if not redrive.pending and not redrive.in_flight:
            end(redrive, RedriveStatus.COMPLETED, now)
        elif redrive.pending and (reason := too_many_failures(redrive)):
            end(redrive, RedriveStatus.STOPPED, now, reason)
    redrive.needs_steps = redrive.status == RedriveStatus.RUNNING or redrive.in_flight > 0


def end(redrive: Redrive, status: RedriveStatus, now: datetime, reason: str = "") -> None:
    """End it, and let go of what was not sent. The caller holds its lock, and saves it."""
    left = redrive.items.filter(state=ItemState.PENDING)
    redrive.skipped += left.update(state=ItemState.SKIPPED, reason=ENDED_BEFORE)
    redrive.status, redrive.reason = status, reason
    redrive.ended_at = redrive.changed_at = now
    redrive.changed_by = None
    redrive.events.create(at=now, verb=status, note=reason)
    log.info("redrive %s %s %s", redrive.pk, status, reason)
