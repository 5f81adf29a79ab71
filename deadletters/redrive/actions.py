"""Control a redrive (start, pause, resume, abort), and show its progress.

Each verb is one compare-and-set: the second of two people is refused, with the name of the first.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F
from django.db.models.functions import Now

from deadletters.errors import RedriveStateError
from deadletters.models import ItemState, Redrive, RedriveStatus
from deadletters.models.redrive import actor_of
from deadletters.redrive.limits import hold_of
from runs.errors import NotPermittedError
from runs.operations.permissions import tenants_to_operate

log = logging.getLogger(__name__)

FROM: dict[str, tuple[RedriveStatus, ...]] = {
    "start": (RedriveStatus.PLANNED,),
    "pause": (RedriveStatus.RUNNING,),
    "resume": (RedriveStatus.PAUSED,),
    "abort": (RedriveStatus.PLANNED, RedriveStatus.RUNNING, RedriveStatus.PAUSED),
}
ENDED_BEFORE = "the redrive ended before its turn"


def start(redrive: Redrive, *, user: Any) -> None:
    """Start sending. Raises: RedriveStateError; NotPermittedError."""
    _move(redrive, "start", RedriveStatus.RUNNING, user=user, started_at=Now(), needs_steps=True)


def pause(redrive: Redrive, *, user: Any, note: str = "") -> None:
    """Stop sending until resumed; runs already sent go on. Raises: RedriveStateError; NotPermittedError."""
    _move(redrive, "pause", RedriveStatus.PAUSED, user=user, note=note)


def resume(redrive: Redrive, *, user: Any) -> None:
    """Resume at the same rate; the pause gives no credit. Raises: RedriveStateError; NotPermittedError."""
    _move(redrive, "resume", RedriveStatus.RUNNING, user=user, credit=0, credit_at=None, needs_steps=True)


@transaction.atomic
def abort(redrive: Redrive, *, user: Any, note: str = "") -> None:
    """Stop sending for good; runs already sent go on. Raises: RedriveStateError; NotPermittedError."""
    _move(redrive, "abort", RedriveStatus.ABORTED, user=user, note=note, ended_at=Now())
    Redrive.objects.filter(pk=redrive.pk).update(skipped=F("skipped") + _let_go(redrive))
    redrive.refresh_from_db()


def end(redrive: Redrive, status: RedriveStatus, now: datetime, reason: str = "") -> None:
    """End a redrive without a person. The caller holds its lock and saves it."""
    redrive.skipped += _let_go(redrive)
    redrive.status, redrive.reason = status, reason
    redrive.ended_at = redrive.changed_at = now
    redrive.changed_by = None
    redrive.events.create(at=now, verb=status, note=reason)
    log.info("redrive %s %s %s", redrive.pk, status, reason)


def _let_go(redrive: Redrive) -> int:
    """Skip what was not sent, so that other redrives may send it. Needs the redrive's lock. Returns how many."""
    return redrive.items.filter(state=ItemState.PENDING).update(state=ItemState.SKIPPED, reason=ENDED_BEFORE)


def check_may_operate(redrive: Redrive, user: Any) -> None:
    """Refuse a user who may not replay in its tenant. Over several tenants only its planner or a superuser may.

    Raises: NotPermittedError.
    """
    tenants = tenants_to_operate(user)
    if tenants is None or redrive.tenant in tenants:
        return
    if not redrive.tenant and tenants and redrive.planned_by_id == user.pk:
        return
    raise NotPermittedError("this needs one of the roles operator, admin in the tenant of the redrive")


def check_fits(redrive: Redrive, verb: str) -> None:
    """Refuse a verb that does not fit its status. Raises: RedriveStateError that says who was faster."""
    if verb not in verbs_of(redrive):
        raise _wrong_state(redrive, verb)


def _wrong_state(redrive: Redrive, verb: str) -> RedriveStateError:
    who = redrive.changed_by.get_username() if redrive.changed_by else "itself"
    since = f"{redrive.status}, by {who} at {redrive.changed_at:%Y-%m-%d %H:%M:%S} UTC"
    return RedriveStateError(f"cannot {verb} it: the redrive is already {since}")


@transaction.atomic
def _move(redrive: Redrive, verb: str, to: RedriveStatus, *, user: Any, note: str = "", **columns: Any) -> None:
    check_may_operate(redrive, user)
    moved = Redrive.objects.filter(pk=redrive.pk, status__in=FROM[verb]).update(
        status=to, reason=note, changed_by_id=user.pk, changed_at=Now(), **columns
    )
    redrive.refresh_from_db()
    if not moved:
        raise _wrong_state(redrive, verb)
    redrive.events.create(at=Now(), actor=actor_of(user), verb=verb, note=note)


@dataclass(frozen=True, slots=True)
class RedriveReason:
    """Why some dead letters were not sent. `state` is `excluded` (by the plan) or `skipped` (later)."""

    state: str
    reason: str
    count: int


def reasons_of(redrive: Redrive) -> list[RedriveReason]:
    """Count the excluded and skipped dead letters by reason, most frequent first."""
    out = redrive.items.filter(state__in=[ItemState.EXCLUDED, ItemState.SKIPPED])
    counted = out.values("state", "reason").annotate(n=Count("pk")).order_by("-n", "state", "reason")
    return [RedriveReason(row["state"], row["reason"], row["n"]) for row in counted]


def held_by(redrive: Redrive) -> str:
    """Say what the redrive waits for; empty if it sends at its rate, or is over."""
    if redrive.status == RedriveStatus.PLANNED:
        return "nobody has started it"
    if redrive.status == RedriveStatus.PAUSED:
        return "paused"
    return hold_of(redrive) if redrive.status == RedriveStatus.RUNNING else ""


def verbs_of(redrive: Redrive) -> list[str]:
    """List the verbs that fit its status."""
    return [verb for verb, statuses in FROM.items() if redrive.status in statuses]
