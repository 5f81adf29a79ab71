"""What people do to a redrive: start, pause, resume, abort. Each is one compare-and-set; who comes second is told."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from deadletters.errors import NotOperatorError, RedriveStateError
from deadletters.models import ItemState, Redrive, RedriveStatus
from deadletters.models.redrive import actor_of
from deadletters.redrive.exclusions import ENDED_BEFORE
from deadletters.work import work

FROM: dict[str, tuple[RedriveStatus, ...]] = {
    "start": (RedriveStatus.PLANNED,),
    "pause": (RedriveStatus.RUNNING,),
    "resume": (RedriveStatus.PAUSED,),
    "abort": (RedriveStatus.PLANNED, RedriveStatus.RUNNING, RedriveStatus.PAUSED),
}


def start(redrive: Redrive, *, user: Any) -> None:
    """Let the sweepers send. Raises: RedriveStateError; NotOperatorError."""
    _move(redrive, "start", RedriveStatus.RUNNING, user=user, started_at=Now(), needs_steps=True)


def pause(redrive: Redrive, *, user: Any, note: str = "") -> None:
    """Send nothing more until it is resumed; what was sent goes on. Raises: RedriveStateError; NotOperatorError."""
    _move(redrive, "pause", RedriveStatus.PAUSED, user=user, note=note)


def resume(redrive: Redrive, *, user: Any) -> None:
    """Go on at the same rate; the pause gives no credit. Raises: RedriveStateError; NotOperatorError."""
    _move(redrive, "resume", RedriveStatus.RUNNING, user=user, credit=0, credit_at=None, needs_steps=True)


@transaction.atomic
def abort(redrive: Redrive, *, user: Any, note: str = "") -> None:
    """Send nothing more, for good; what was sent goes on. Raises: RedriveStateError; NotOperatorError."""
    _move(redrive, "abort", RedriveStatus.ABORTED, user=user, note=note, ended_at=Now())
    skip_the_rest(redrive)
    redrive.refresh_from_db()


def skip_the_rest(redrive: Redrive) -> None:
    """Let go of what was not sent; the caller has moved the row, and so holds its lock."""
    left = redrive.items.filter(state=ItemState.PENDING)
    skipped = left.update(state=ItemState.SKIPPED, reason=ENDED_BEFORE)
    Redrive.objects.filter(pk=redrive.pk).update(skipped=F("skipped") + skipped)


def check_may_operate(redrive: Redrive, user: Any) -> None:
    """Refuse who may not replay in the redrive's tenant. One over several tenants is its planner's, or a superuser's.

    Raises: NotOperatorError.
    """
    tenants = work().operates_in(user)
    if tenants is None or redrive.tenant in tenants:
        return
    if not redrive.tenant and tenants and redrive.planned_by_id == user.pk:
        return
    raise NotOperatorError("this needs one of the roles operator, admin in the tenant of the redrive")


@transaction.atomic
def _move(redrive: Redrive, verb: str, to: RedriveStatus, *, user: Any, note: str = "", **columns: Any) -> None:
    check_may_operate(redrive, user)
    moved = Redrive.objects.filter(pk=redrive.pk, status__in=FROM[verb]).update(
        status=to, reason=note, changed_by_id=user.pk, changed_at=Now(), **columns
    )
    redrive.refresh_from_db()
    if not moved:
        raise RedriveStateError(_told(redrive, verb))
    redrive.events.create(at=Now(), actor=actor_of(user), verb=verb, note=note)


def _told(redrive: Redrive, verb: str) -> str:
    who = redrive.changed_by.get_username() if redrive.changed_by else "itself"
    since = f"{redrive.status}, by {who} at {redrive.changed_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"cannot {verb} it: the redrive is already {since}"
